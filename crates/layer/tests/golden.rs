//! The same tar gives the same bytes, on every machine and in every version.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use layer::{Control, MergeLayer, merge};
use model::Digest;
use support::convert;
use support::tape::{Header, Tape};

fn entries() -> Vec<u8> {
    let mut tape = Tape::new()
        .dir("./")
        .entry(Header::new(b"tmp", b'5', 0).mode(0o1777), b"")
        .pax(&[
            ("mtime", b"-1.25"),
            ("uid", b"70000"),
            ("SCHILY.xattr.user.b", b"2"),
            ("SCHILY.xattr.user.a", b"1"),
        ])
        .file("tmp/file", &[b'x'; 10_000])
        .symlink("link", "tmp/file")
        .hard_link("hard", "tmp/file")
        .entry(Header::new(b"null", b'3', 0).device(1, 3), b"")
        .file("implied/.wh.gone", b"")
        .dir("opaque")
        .file("opaque/.wh..wh..opq", b"")
        .hard_link("below", "not/here");
    for i in 0..300 {
        tape = tape.file(&format!("many/{}", i * 7919 % 300), format!("{i}").as_bytes());
    }
    tape.end()
}

fn sparse() -> Vec<u8> {
    let records: &[(&str, &[u8])] =
        &[("GNU.sparse.size", b"9000000"), ("GNU.sparse.map", b"0,3,4500000,3,8999997,3")];
    Tape::new().pax(records).file("sparse", b"onetwoend").end()
}

/// Frozen: a change here changes the blobs of every store, and must be meant.
#[test]
fn digests_of_blobs_are_frozen() {
    for (what, tar, digest) in
        [("empty", Vec::new(), EMPTY), ("entries", entries(), ENTRIES), ("sparse", sparse(), SPARSE)]
    {
        assert_eq!(Digest::sha256(&convert(&tar).unwrap().0).hex(), digest, "{what}");
    }
    let (blob, converted) = convert(&entries()).unwrap();
    assert_eq!(Digest::sha256(serde_json::to_string(&converted.leans).unwrap().as_bytes()).hex(), LEANS);
    let mut leans = converted.leans;
    leans.lower_links.clear();
    let mut image = Vec::new();
    let layer = || MergeLayer { blob: &blob, leans: &leans };
    merge(&[layer(), layer()], &mut image, &Control::new()).unwrap();
    assert_eq!(Digest::sha256(&image).hex(), MERGED);
}

const EMPTY: &str = "8c393b7629ab7636a395f48a4c5095ca0c70e857fc38332a69145988acfa2515";
const ENTRIES: &str = "f0cc187a325090240ae8e2ad1062c620329fece0e4ed10a19b4b210e57594e49";
const SPARSE: &str = "5d8f198db05b1bfd257931bbc5d1942840df257e6af317babf8c4ed7e2a3ec71";
const LEANS: &str = "1096f25896ac21a3fb6bfe864217eba5df157a1c94f2d613eb69da5dc64923f5";
const MERGED: &str = "1cd0219416e5d779480a7837a8d814c2f789671013825f7eebc1e1429bacc321";

#[test]
fn blobs_pass_the_checker() {
    for tar in [Vec::new(), entries(), sparse()] {
        let blob = convert(&tar).unwrap().0;
        let report = erofs::check(&erofs::Image::open(&blob).unwrap()).unwrap();
        assert!(report.problems().is_empty(), "{report:?}");
    }
}
