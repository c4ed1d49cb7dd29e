//! What a layer may take of a bound that it shares: asked for before it is written, and never more than the layer has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::sync::Arc;

use layer::{Control, ConvertError, Converted, Limit, SharedBudget};
use model::{ByteSize, Compression};
use support::tape::Tape;
use support::{chunks, options};

/// Converts a plain tar against a budget: what was written, and what became of it.
fn convert(tar: &[u8], bytes: u64) -> (Vec<u8>, Result<Converted, ConvertError>, ByteSize) {
    let budget = Arc::new(SharedBudget::new(ByteSize::bytes(bytes)));
    let control = Control::with_budget(Arc::clone(&budget));
    let mut blob = Vec::new();
    let options = options(tar, tar, Compression::None);
    let converted = layer::convert(chunks(tar, 64 << 10), &options, &mut blob, &control);
    (blob, converted, budget.left())
}

/// Converts a tar that is small itself and wants more than `bytes` of blob; fails if more was written than allowed.
#[track_caller]
fn assert_stops(tar: &[u8], bytes: u64) {
    assert!((tar.len() as u64) < bytes, "the tar alone is over the bound");
    let (blob, converted, _) = convert(tar, bytes);
    let error = converted.unwrap_err();
    assert_eq!(error.limit(), Some((Limit::Expanded, ByteSize::bytes(bytes))), "{error}");
    assert!(blob.len() as u64 <= bytes, "{} bytes written against {bytes}", blob.len());
}

/// A file of 8 TiB with one byte in its middle.
fn sparse(tape: Tape, name: &str) -> Tape {
    let records: &[(&str, &[u8])] =
        &[("GNU.sparse.size", b"8796093022208"), ("GNU.sparse.map", b"4398046511104,1")];
    tape.pax(records).file(name, b"x")
}

#[test]
fn layer_whose_holes_need_zeros_and_chunk_tables() {
    assert_stops(&sparse(Tape::new(), "one").end(), 1 << 20);
    let many = (0..20).fold(Tape::new(), |tape, i| sparse(tape, &format!("f{i}")));
    assert_stops(&many.end(), 40 << 20);
    // Chunk tables alone: the replaced file's zeros are in the blob, its table would not be.
    let all_zeros = sparse(Tape::new(), "f");
    assert_stops(&all_zeros.end(), 9 << 20);
}

#[test]
fn layer_whose_attributes_multiply() {
    let mut tape = Tape::new().global_pax(&[("SCHILY.xattr.user.a", &[b'x'; 12_000])]);
    for i in 0..1000 {
        tape = tape.file(&format!("f{i}"), b"");
    }
    assert_stops(&tape.end(), 2 << 20);
}

#[test]
fn layer_of_files_of_one_byte() {
    let tape = (0..1000).fold(Tape::new(), |tape, i| tape.file(&format!("f{i}"), b"x"));
    assert_stops(&tape.end(), 2 << 20);
}

#[test]
fn the_exact_size_fits_and_one_byte_less_does_not() {
    let attributed =
        |tape: Tape, name: &str| tape.pax(&[("SCHILY.xattr.user.a", &[b'x'; 9_000])]).file(name, b"content");
    let replaced = sparse(attributed(Tape::new(), "twice"), "hole").file("twice", b"").file("hole", b"");
    let shared = attributed(attributed(Tape::new(), "a"), "b").symlink("s", "a");
    for tar in [
        Vec::new(),
        Tape::new().end(),
        Tape::new().file("f", &[b'x'; 100_000]).end(),
        (0..100).fold(Tape::new(), |tape, i| tape.file(&format!("f{i}"), b"x")).end(),
        shared.end(),
        replaced.end(),
        sparse(Tape::new(), "hole").end(),
    ] {
        let (_, converted, _) = convert(&tar, 1 << 40);
        let counted = converted.unwrap().blob_size.as_u64().max(tar.len() as u64);
        let (_, exact, left) = convert(&tar, counted);
        assert!(exact.is_ok(), "{exact:?} at {counted}");
        assert_eq!(left, ByteSize::ZERO);
        let (_, less, _) = convert(&tar, counted - 1);
        assert_eq!(less.unwrap_err().limit().unwrap().0, Limit::Expanded);
    }
}
