//! Streams around the tar: compressions, digests, cuts, limits of size, cancelling.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::io::Write;

use bytes::Bytes;
use layer::{Control, ConvertError, ConvertOptions, ErrorKind, Limit, Limits, SourceError, convert};
use model::{BlobDigest, ByteSize, Compression, DiffId, Digest};
use support::tape::{Header, Tape, pax_records};
use support::{chunks, convert_with, options};

/// A tar with a bit of everything that the parser has a state for.
fn tar() -> Vec<u8> {
    let mut sparse = Header::new(b"sparse", b'S', 10);
    sparse.gnu().bytes(482, &[1]).octal(483, 12, 100_000);
    sparse.octal(386, 12, 0).octal(398, 12, 4);
    let mut tape = Tape::new()
        .dir("d")
        .file("d/f", &noise(3000))
        .pax(&[("SCHILY.xattr.user.a", &[b'x'; 600])])
        .file("d/g", b"hello")
        .global_pax(&[("uid", b"5")])
        .extension(b'L', format!("{}\0", "n".repeat(120)).as_bytes())
        .file("x", b"")
        .entry(&mut sparse, b"");
    tape.0.extend_from_slice(&{
        let mut block = [0; 512];
        block[..24].copy_from_slice(format!("{:011o}\0{:011o}\0", 50_000, 6).as_bytes());
        block
    });
    tape = tape.padded(b"headmiddle");
    let map = pax_records(&[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"pax-sparse"),
        ("GNU.sparse.realsize", b"9000"),
    ]);
    let mut content = b"1\n8000\n4\n".to_vec();
    content.resize(512, 0);
    content.extend_from_slice(b"tail");
    tape.extension(b'x', &map).file("y", &content).entry(&mut Header::new(b"v", b'V', 9), b"left out!").end()
}

/// Bytes that do not compress and are the same every time.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(len)
    .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

fn blob(stream: &[u8], tar: &[u8], declared: Compression) -> Vec<u8> {
    convert_with(stream, &options(stream, tar, declared), 700).unwrap().0
}

#[test]
fn every_compression_gives_the_same_blob() {
    let tar = tar();
    let plain = blob(&tar, &tar, Compression::None);
    let header_fields = flate2::GzBuilder::new()
        .filename("layer.tar")
        .comment("a comment")
        .extra(vec![1, 2, 3])
        .mtime(1)
        .buf_read(&tar[..], flate2::Compression::best());
    let with_fields = std::io::Read::bytes(header_fields).map(Result::unwrap).collect::<Vec<u8>>();
    let (first, second) = tar.split_at(1000);
    let members = [gzip(first), gzip(b""), gzip(second)].concat();
    let skippable =
        [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9][..], &zstd(first), &zstd(second)].concat();
    for (what, stream) in [
        ("gzip", gzip(&tar)),
        ("fields", with_fields),
        ("members", members),
        ("zstd", zstd(&tar)),
        ("frames", skippable),
    ] {
        for declared in [Compression::Gzip, Compression::Zstd, Compression::None] {
            assert!(blob(&stream, &tar, declared) == plain, "{what}, declared {declared:?}");
        }
    }
    assert!(blob(&tar, &tar, Compression::Gzip) == plain, "a plain tar that is called gzip");
}

#[test]
fn zstd_output_that_ends_with_a_buffer() {
    for size in [256 << 10, 512 << 10] {
        let tar = Tape::new().file("f", &noise(size - 512 - 1024)).end();
        assert_eq!(tar.len(), size);
        let stream = zstd(&tar);
        assert!(blob(&stream, &tar, Compression::Zstd) == blob(&tar, &tar, Compression::None));
    }
}

#[test]
fn chunks_of_any_size_give_the_same_blob() {
    let tar = tar();
    let whole = convert_with(&tar, &options(&tar, &tar, Compression::None), usize::MAX).unwrap().0;
    for size in [1, 2, 3, 5, 7, 511, 512, 513, 1000] {
        for (stream, declared) in [(tar.clone(), Compression::None), (gzip(&tar), Compression::Gzip)] {
            let chunked = convert_with(&stream, &options(&stream, &tar, declared), size).unwrap().0;
            assert!(chunked == whole, "chunks of {size}, {declared:?}");
        }
    }
    let stream = zstd(&tar);
    assert!(convert_with(&stream, &options(&stream, &tar, Compression::Zstd), 1).unwrap().0 == whole);
}

#[test]
fn truncation_at_every_boundary_of_the_tar() {
    let tar = tar();
    // Where the content of each entry of `tar` ends: there and in the padding behind it a shorter tar is a whole tar.
    let stored = [(512, 0), (512, 3000), (2048, 5), (512, 8), (1536, 0), (1024, 10), (1536, 516), (512, 9)];
    let mut at = 0usize;
    let mut whole: Vec<std::ops::RangeInclusive<usize>> = vec![0..=0];
    for (headers, content) in stored {
        let content_end = at + headers + content;
        at = content_end.next_multiple_of(512);
        whole.push(content_end..=at);
    }
    // The end blocks: none, one or both.
    whole.extend([at + 512..=at + 512, at + 1024..=at + 1024]);
    assert_eq!(at + 1024, tar.len());
    for cut in 0..=tar.len() {
        let part = &tar[..cut];
        let expected = whole.iter().any(|range| range.contains(&cut));
        match convert_with(part, &options(part, part, Compression::None), 4096) {
            Ok(_) => assert!(expected, "cut at {cut} passes for a whole tar"),
            Err(ConvertError::Truncated { offset, .. }) => {
                assert_eq!(offset, cut as u64);
                assert!(!expected, "cut at {cut} is refused");
            }
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
}

#[test]
fn truncation_of_the_compressed_stream() {
    let tar = tar();
    for (stream, compression) in [(gzip(&tar), Compression::Gzip), (zstd(&tar), Compression::Zstd)] {
        for cut in (1..stream.len()).step_by(7).chain([0, stream.len() - 1]) {
            let part = &stream[..cut];
            let error = convert_with(part, &options(part, &tar, compression), 4096).unwrap_err();
            assert!(
                matches!(error, ConvertError::Truncated { .. } | ConvertError::Malformed { .. }),
                "{compression:?} cut at {cut}: {error}"
            );
            // The same cut under the manifest's words is the transfer's fault.
            let error = convert_with(part, &options(&stream, &tar, compression), 4096).unwrap_err();
            assert!(matches!(error, ConvertError::WrongSize { .. }), "{error}");
            assert_eq!(error.kind(), ErrorKind::Transfer);
        }
    }
}

#[test]
fn damage_in_the_compressed_stream_is_the_transfers_if_the_digest_says_so() {
    let tar = tar();
    for (stream, compression) in [(gzip(&tar), Compression::Gzip), (zstd(&tar), Compression::Zstd)] {
        let mut damaged = stream.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 20].fill(0xff);
        let error = convert_with(&damaged, &options(&stream, &tar, compression), 100).unwrap_err();
        assert!(matches!(error, ConvertError::WrongDigest { .. }), "{error}");
        let error = convert_with(&damaged, &options(&damaged, &tar, compression), 100).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadLayer, "{error}");
    }
}

#[test]
fn wrong_digests_and_sizes() {
    let tar = tar();
    let stream = gzip(&tar);
    let right = options(&stream, &tar, Compression::Gzip);
    let other = Digest::sha256(b"other");
    let error = |options: &ConvertOptions| convert_with(&stream, options, 1000).unwrap_err();
    let wrong = ConvertOptions { digest: Some(BlobDigest::new(other)), ..right.clone() };
    assert!(matches!(error(&wrong), ConvertError::WrongDigest { .. }));
    let wrong = ConvertOptions { diff_id: DiffId::new(other), ..right.clone() };
    assert!(matches!(error(&wrong), ConvertError::WrongDiffId { .. }));
    assert_eq!(error(&wrong).kind(), ErrorKind::BadLayer);
    for size in [0, stream.len() as u64 - 1, stream.len() as u64 + 1] {
        let wrong = ConvertOptions { size: Some(ByteSize::bytes(size)), ..right.clone() };
        assert!(matches!(error(&wrong), ConvertError::WrongSize { expected, .. } if expected == size));
    }
    let unstated = ConvertOptions { digest: None, size: None, ..right };
    assert!(convert_with(&stream, &unstated, 1000).is_ok());
}

#[test]
fn a_plain_tar_is_hashed_by_every_algorithm_asked_for() {
    let tar = tar();
    let sha512 = |bytes: &[u8]| Digest::of(model::Algorithm::Sha512, bytes);
    let mut options = options(&tar, &tar, Compression::None);
    options.diff_id = DiffId::new(sha512(&tar));
    assert!(convert_with(&tar, &options, 1000).is_ok());
    options.diff_id = DiffId::new(sha512(b""));
    assert!(matches!(convert_with(&tar, &options, 1000), Err(ConvertError::WrongDiffId { .. })));
    options.diff_id = DiffId::new(Digest::sha256(b""));
    assert!(matches!(convert_with(&tar, &options, 1000), Err(ConvertError::WrongDiffId { .. })));
}

#[test]
fn garbage_behind_a_gzip_stream() {
    let tar = tar();
    let mut stream = gzip(&tar);
    stream.extend_from_slice(&[0; 100]);
    assert!(
        convert_with(&stream, &options(&stream, &tar, Compression::Gzip), 1000).is_ok(),
        "zeros are padding"
    );
    stream.extend_from_slice(b"garbage");
    let error = convert_with(&stream, &options(&stream, &tar, Compression::Gzip), 1000).unwrap_err();
    assert!(matches!(error, ConvertError::Corrupt { .. }), "{error}");
}

#[test]
fn a_decompression_bomb_stops_at_the_limit() {
    // 40 MiB of zeros behind the end of an empty tar, and inside a file: neither is read to its end.
    for tar in
        [vec![0; 40 << 20], Tape::new().entry(&mut Header::new(b"f", b'0', 40 << 20), &vec![0; 40 << 20]).0]
    {
        for (stream, compression) in [(gzip(&tar), Compression::Gzip), (zstd(&tar), Compression::Zstd)] {
            let control = Control::new();
            let limits = Limits::with_expanded(ByteSize::mib(3));
            let options = ConvertOptions { limits, ..options(&stream, b"", compression) };
            let mut blob = Vec::new();
            let error = convert(chunks(&stream, 1000), &options, &mut blob, &control).unwrap_err();
            assert_eq!(error.limit().unwrap(), (Limit::Expanded, ByteSize::mib(3)), "{error}");
            assert!(control.tar_bytes() <= 4 << 20, "{}", control.tar_bytes());
            assert!(blob.len() <= 4 << 20);
        }
    }
}

#[test]
fn the_expanded_size_is_exact() {
    let tar = Tape::new().file("f", &noise(100_000)).end();
    let (blob, _) = convert_with(&tar, &options(&tar, &tar, Compression::None), 1000).unwrap();
    let most = blob.len().max(tar.len()) as u64;
    let run = |expanded| {
        let limits = Limits { expanded, ..Limits::default() };
        convert_with(&tar, &ConvertOptions { limits, ..options(&tar, &tar, Compression::None) }, 1000)
    };
    assert!(run(most).is_ok());
    assert_eq!(run(most - 1).unwrap_err().limit().unwrap().0, Limit::Expanded);
}

#[test]
fn an_empty_stream_is_an_empty_tar_only_if_plain() {
    assert!(convert_with(b"", &options(b"", b"", Compression::None), 10).is_ok());
    for compression in [Compression::Gzip, Compression::Zstd] {
        let error = convert_with(b"", &options(b"", b"", compression), 10).unwrap_err();
        assert!(matches!(error, ConvertError::Truncated { .. }));
    }
}

#[test]
fn cancelled_before_and_while_it_runs() {
    let tar = Tape::new().entry(&mut Header::new(b"f", b'0', 1 << 40), b"");
    let control = Control::new();
    let endless = std::iter::once(Bytes::from(tar.0.clone()))
        .chain(std::iter::repeat_with(|| {
            if control.tar_bytes() > 10 << 20 {
                control.cancel();
            }
            Bytes::from_static(&[0; 4096])
        }))
        .map(Ok::<_, SourceError>);
    let mut options = options(b"", b"", Compression::None);
    (options.size, options.digest) = (None, None);
    let error = convert(endless, &options, Vec::new(), &control).unwrap_err();
    assert!(matches!(error, ConvertError::Cancelled), "{error}");
    assert!(control.compressed_bytes() >= 10 << 20);
    let again = convert(chunks(&tar.0, 10), &options, Vec::new(), &control).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Cancelled);
}

/// A sink that has the conversion cancelled at its first write.
struct Cancels<'c> {
    control: &'c Control,
    writes: usize,
}

impl erofs::BlockSink for Cancels<'_> {
    fn write_all_at(&mut self, _: &[u8], _: u64) -> std::io::Result<()> {
        self.control.cancel();
        self.writes += 1;
        Ok(())
    }
}

#[test]
fn cancelled_while_the_metadata_is_written() {
    // All in the last buffer of the tar: a megabyte of data that is written at once, then many of metadata.
    let mut tape =
        Tape::new().file("data", &noise(2 << 20)).global_pax(&[("SCHILY.xattr.user.a", &[b'x'; 12_000])]);
    for i in 0..300 {
        tape = tape.file(&format!("f{i}"), b"");
    }
    let tar = tape.end();
    let control = Control::new();
    let mut sink = Cancels { control: &control, writes: 0 };
    let options = options(&tar, &tar, Compression::None);
    let error = convert([Ok(Bytes::from(tar))], &options, &mut sink, &control).unwrap_err();
    assert!(matches!(error, ConvertError::Cancelled), "{error}");
    assert_eq!(sink.writes, 1);
    assert!(control.is_cancelled());
}

#[test]
fn an_error_of_the_source_is_handed_on() {
    let tar = tar();
    let failing = chunks(&tar[..2000], 100).chain([Err("connection reset".into())]);
    let error =
        convert(failing, &options(&tar, &tar, Compression::None), Vec::new(), &Control::new()).unwrap_err();
    assert!(
        matches!(&error, ConvertError::Source(source) if source.to_string() == "connection reset"),
        "{error}"
    );
}

/// A disk that is full after some bytes.
struct Full(u64);

impl erofs::BlockSink for Full {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> std::io::Result<()> {
        if offset + data.len() as u64 > self.0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

#[test]
fn no_space_is_told_apart() {
    let tar = Tape::new().file("f", &noise(5 << 20)).end();
    for room in [0, 4096, 2 << 20] {
        let error = convert(
            chunks(&tar, 100_000),
            &options(&tar, &tar, Compression::None),
            Full(room),
            &Control::new(),
        );
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NoSpace);
    }
}

#[test]
fn progress_is_told_in_bytes() {
    let tar = tar();
    let stream = gzip(&tar);
    let control = Control::new();
    let converted =
        convert(chunks(&stream, 100), &options(&stream, &tar, Compression::Gzip), Vec::new(), &control)
            .unwrap();
    assert_eq!(control.compressed_bytes(), stream.len() as u64);
    assert_eq!(control.tar_bytes(), tar.len() as u64);
    assert_eq!(converted.tar_size.as_u64(), tar.len() as u64);
    assert_eq!(converted.compressed_size.as_u64(), stream.len() as u64);
}
