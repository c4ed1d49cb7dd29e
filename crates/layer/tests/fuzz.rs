//! Fuzz targets: a short run by `cargo test`, a long one by `cargo bolero test` on the stable toolchain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use bolero::check;
use layer::{Control, ConvertOptions, Limits};
use model::{Compression, DiffId, Digest};
use support::convert_with;
use support::tape::{Header, Tape};

/// How often to try: more than the usual short run where `IMC_FUZZ_ITERATIONS` says so.
fn iterations(usual: usize) -> usize {
    std::env::var("IMC_FUZZ_ITERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn lenient(diff_id: Digest) -> ConvertOptions {
    let limits = Limits { expanded: 1 << 20, file: 1 << 30, ..Limits::default() };
    ConvertOptions {
        compression: Compression::None,
        digest: None,
        size: None,
        diff_id: DiffId::new(diff_id),
        limits,
    }
}

/// A blob that comes out is one that the checker and the reader accept.
fn try_convert(stream: &[u8], diff_id: Digest) {
    if let Ok((blob, converted)) = convert_with(stream, &lenient(diff_id), 300) {
        let report = erofs::check(&erofs::Image::open(&blob).unwrap()).unwrap();
        assert!(report.problems().is_empty(), "{report:?}");
        assert_eq!(
            erofs::Image::open(&blob).unwrap().read_tree(erofs::DeviceIndex::PRIMARY).unwrap().is_empty(),
            { converted.entries == 0 }
        );
    }
}

/// Raw bytes, of which few are a tar.
#[test]
fn any_bytes() {
    check!()
        .with_iterations(iterations(2000))
        .for_each(|bytes: &[u8]| try_convert(bytes, Digest::sha256(bytes)));
}

/// Headers with valid checksums around whatever the fuzzer likes.
#[test]
fn any_headers() {
    check!()
        .with_iterations(iterations(2000))
        .with_type::<Vec<(u8, Vec<u8>, u8, u8, u16, Vec<u8>)>>()
        .for_each(|entries| {
            let mut tape = Tape::new();
            for (flag, path, at, byte, lie, content) in entries.iter().take(20) {
                let flag = b"0123456LKxgSD7"[usize::from(*flag) % 14];
                let path = if path.is_empty() { b"a" } else { &path[..path.len().min(100)] };
                let size = if lie % 8 == 0 { u64::from(*lie) } else { content.len() as u64 };
                let mut header = Header::new(path, flag, size);
                header.link(&content[..content.len().min(100)]);
                if lie % 4 == 0 {
                    header.gnu().bytes(usize::from(*at) + 200, &[*byte]);
                }
                tape = tape.entry(&mut header, content);
            }
            let tar = tape.0;
            try_convert(&tar, Digest::sha256(&tar));
        });
}

/// Paths of very few names, so that entries hit, follow and replace each other; the merge of what comes out never fails oddly.
#[test]
fn entries_that_meet() {
    check!().with_iterations(iterations(3000)).with_type::<Vec<(u8, u8, u8, u8)>>().for_each(|entries| {
        let names = ["a", "b", "c", ".wh.a", ".wh.b", ".wh..wh..opq", "..", "."];
        let path = |a: u8, b: u8| {
            let mut parts = vec![names[usize::from(a % 8)]];
            if !b.is_multiple_of(3) {
                parts.push(names[usize::from(b / 3 % 8)]);
            }
            if b % 3 > 1 {
                parts.push(names[usize::from(a / 8 % 8)]);
            }
            parts.join("/")
        };
        let mut tars = [Tape::new(), Tape::new()];
        for (number, (kind, a, b, c)) in entries.iter().take(40).enumerate() {
            let tape = std::mem::take(&mut tars[number % 2]);
            let (path, target) = (path(*a, *b), path(*c, *a));
            tars[number % 2] = match kind % 5 {
                0 => tape.file(&path, &[*kind]),
                1 => tape.dir(&path),
                2 => tape.symlink(&path, &target),
                3 => tape.hard_link(&path, &target),
                _ => tape.entry(&mut Header::new(path.as_bytes(), b'6', 0), b""),
            };
        }
        let converted: Vec<_> = tars
            .iter()
            .filter_map(|tape| {
                try_convert(&tape.0, Digest::sha256(&tape.0));
                convert_with(&tape.0, &lenient(Digest::sha256(&tape.0)), 5000).ok()
            })
            .collect();
        let layers: Vec<_> =
            converted.iter().map(|(blob, made)| layer::MergeLayer { blob, leans: &made.leans }).collect();
        let mut image = Vec::new();
        if layer::merge(&layers, &mut image, &Control::new()).is_ok() {
            let blobs = converted.iter().map(|(blob, _)| blob).collect();
            let merged = support::describe_image(&erofs::Image::open_with_devices(&image, blobs).unwrap());
            assert!(
                !merged.iter().any(|line| line.contains("char:0:0") || line.contains("overlay")),
                "{merged:?}"
            );
        }
    });
}

/// Damaged compressed streams.
#[test]
fn damaged_streams() {
    let tar = Tape::new().dir("d").file("d/f", &[b'x'; 2000]).end();
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &tar).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = zstd::bulk::compress(&tar, 3).unwrap();
    let digest = Digest::sha256(&tar);
    check!().with_iterations(iterations(2000)).with_type::<(bool, u16, u8, u16)>().for_each(
        |(first, at, byte, cut)| {
            let mut stream = if *first { gzip.clone() } else { zstd.clone() };
            let at = usize::from(*at) % stream.len();
            stream[at] ^= byte;
            stream.truncate(stream.len() - usize::from(*cut) % 3 * 7 % stream.len());
            try_convert(&stream, digest);
        },
    );
}
