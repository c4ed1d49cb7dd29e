//! Layers end to end: a plain tar into memory, and a gzip tar to a file.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs::File;
use std::hint::black_box;
use std::io::Write;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use layer::{Control, ConvertOptions, EarlyWriter, Limits, SourceError, convert};
use model::{BlobDigest, ByteSize, Compression, DiffId, Digest};

/// A sink that forgets.
struct Nowhere;

impl erofs::BlockSink for Nowhere {
    fn write_all_at(&mut self, data: &[u8], _: u64) -> std::io::Result<()> {
        black_box(data);
        Ok(())
    }
}

/// Text-like bytes: words of a small vocabulary, the same every time.
fn text(len: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut bytes = Vec::with_capacity(len + 16);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = state >> 20;
        bytes.extend_from_slice(format!("{:x} ", word % (1 << (word % 5 * 6))).as_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn tar(files: usize, size: usize) -> Vec<u8> {
    let content = text(size);
    let mut builder = tar::Builder::new(Vec::new());
    for i in 0..files {
        let mut header = tar::Header::new_gnu();
        header.set_size(size as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("dir{}/file{i}", i % 100), &content[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn options(stream: &[u8], tar: &[u8]) -> ConvertOptions {
    ConvertOptions {
        compression: Compression::Gzip,
        digest: Some(BlobDigest::new(Digest::sha256(stream))),
        size: Some(ByteSize::bytes(stream.len() as u64)),
        diff_id: DiffId::new(Digest::sha256(tar)),
        limits: Limits::default(),
    }
}

fn chunks(stream: &Bytes) -> impl Iterator<Item = Result<Bytes, SourceError>> + Send + use<> {
    let stream = stream.clone();
    (0..stream.len())
        .step_by(256 << 10)
        .map(move |at| Ok(stream.slice(at..stream.len().min(at + (256 << 10)))))
}

fn layers(criterion: &mut Criterion) {
    for (what, files, size) in [("small files", 20_000, 2_000), ("large files", 20, 4 << 20)] {
        let tar = tar(files, size);
        let mut group = criterion.benchmark_group(what);
        group.throughput(Throughput::Bytes(tar.len() as u64)).sample_size(10);

        let plain = Bytes::from(tar.clone());
        let of_plain = options(&plain, &tar);
        group.bench_function("plain tar to nowhere", |bencher| {
            bencher.iter(|| convert(chunks(&plain), &of_plain, Nowhere, &Control::new()).unwrap());
        });

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&tar).unwrap();
        let stream = Bytes::from(encoder.finish().unwrap());
        let of_gzip = options(&stream, &tar);
        let folder = tempfile::tempdir().unwrap();
        group.bench_function("gzip to a file", |bencher| {
            bencher.iter(|| {
                let file = File::create(folder.path().join("blob")).unwrap();
                convert(chunks(&stream), &of_gzip, EarlyWriter::new(&file), &Control::new()).unwrap()
            });
        });
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
