//! Inflating beside flate2 with zlib-rs, on a tar of this machine's own programs and libraries (which is what
//! image layers are made of), compressed at gzip's default level. Prints bytes of output per second.
//!
//! Both sides inflate into one buffer of 256 KiB again and again, from chunks of 256 KiB; the gzip CRC is compared
//! apart, since zlib-rs computes none for raw DEFLATE.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress};
use inflate::{Check, GzipDecoder, Options, OutputBuffer, Status};

const SAMPLE: usize = 160 << 20;
const BUFFER: usize = 256 << 10;
/// gzip's header as flate2 writes it: no optional fields.
const HEADER: usize = 10;

/// Regular files below the directories as a tar, in order of name, up to the sample's size.
fn sample() -> Vec<u8> {
    let mut tar = Vec::with_capacity(SAMPLE + BUFFER);
    for root in ["/usr/bin", "/usr/lib"] {
        // Half of the sample is left to the second directory.
        let limit = if root == "/usr/bin" { SAMPLE / 2 } else { SAMPLE };
        append(Path::new(root), limit, &mut tar);
    }
    tar
}

fn append(dir: &Path, limit: usize, tar: &mut Vec<u8>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if tar.len() >= limit {
            return;
        }
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            append(&path, limit, tar);
        } else if meta.is_file()
            && let Ok(bytes) = std::fs::read(&path)
        {
            let mut header = [0; 512];
            let name = path.as_os_str().as_encoded_bytes();
            let len = name.len().min(100);
            header[..len].copy_from_slice(&name[..len]);
            header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
            header[257..262].copy_from_slice(b"ustar");
            tar.extend_from_slice(&header);
            tar.extend_from_slice(&bytes);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
    }
}

fn ours(gzip: &[u8], check: Check) -> u64 {
    let options = Options { check, ..Options::default() };
    let mut decoder = GzipDecoder::new(options, OutputBuffer::with_capacity(BUFFER));
    let mut spare = OutputBuffer::with_capacity(BUFFER);
    for chunk in gzip.chunks(BUFFER) {
        let mut input = chunk;
        while decoder.decode(&mut input).unwrap() == Status::OutputFull {
            spare = decoder.take_output(spare);
            black_box(spare.as_slice());
        }
    }
    let total = decoder.total_output();
    decoder.finish().unwrap();
    total
}

fn zlib_rs(gzip: &[u8]) -> u64 {
    let mut decoder = Decompress::new(false);
    let mut output = vec![0; BUFFER];
    loop {
        let at = HEADER + decoder.total_in() as usize;
        let chunk = &gzip[at..gzip.len().min(at + BUFFER)];
        let status = decoder.decompress(chunk, &mut output, FlushDecompress::None).unwrap();
        black_box(&output);
        if status == flate2::Status::StreamEnd {
            return decoder.total_out();
        }
    }
}

fn inflate(c: &mut Criterion) {
    let tar = sample();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&tar).unwrap();
    let gzip = encoder.finish().unwrap();
    let size = tar.len() as u64;
    drop(tar);
    assert_eq!(ours(&gzip, Check::Crc), size);
    assert_eq!(zlib_rs(&gzip), size);

    let mut group = c.benchmark_group("inflate");
    group.throughput(Throughput::BytesDecimal(size)).sample_size(10);
    group.bench_function("ours", |b| b.iter(|| ours(&gzip, Check::LengthOnly)));
    group.bench_function("zlib-rs", |b| b.iter(|| zlib_rs(&gzip)));
    group.bench_function("ours-with-crc", |b| b.iter(|| ours(&gzip, Check::Crc)));
    group.finish();
}

criterion_group!(benches, inflate);
criterion_main!(benches);
