//! Converts a layer's file and prints how long it took: for profiling.
//!
//! `cargo run --release -p layer --example convert -- LAYER [BLOB]`; without a blob's path the blob is dropped as it is
//! written, which leaves the processor's share of the time. With `EARLY=1` the disk is kept busy while converting, with `DIRECT=1` the
//! blob is written past the page cache.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::time::Instant;

use bytes::Bytes;
use layer::{Control, ConvertError, ConvertOptions, DirectWriter, EarlyWriter, Limits, SourceError, convert};
use model::{BlobDigest, ByteSize, Compression, DiffId, Digest};

/// A sink that forgets.
struct Nowhere;

impl erofs::BlockSink for Nowhere {
    fn write_all_at(&mut self, _: &[u8], _: u64) -> std::io::Result<()> {
        Ok(())
    }
}

fn chunks(
    path: &str,
) -> Result<impl Iterator<Item = Result<Bytes, SourceError>> + Send + use<>, Box<dyn Error>> {
    let mut file = File::open(path)?;
    Ok(std::iter::from_fn(move || {
        let mut chunk = vec![0; 256 << 10];
        match file.read(&mut chunk) {
            Ok(0) => None,
            Ok(n) => {
                chunk.truncate(n);
                Some(Ok(chunk.into()))
            }
            Err(error) => Some(Err(error.into())),
        }
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: convert LAYER [BLOB]")?;
    let blob = arguments.next();
    let nothing = Digest::sha256(b"");
    let mut options = ConvertOptions {
        compression: Compression::Gzip,
        digest: Some(BlobDigest::new(nothing)),
        size: None,
        diff_id: DiffId::new(nothing),
        limits: Limits::default(),
    };
    // The digests of a file that just lies there are learnt by a first run, which also warms the page cache.
    for _ in 0..2 {
        match convert(chunks(&path)?, &options, Nowhere, &Control::new()) {
            Err(ConvertError::WrongDigest { actual, .. }) => options.digest = Some(*actual),
            Err(ConvertError::WrongDiffId { actual, .. }) => options.diff_id = *actual,
            other => {
                other?;
            }
        }
    }
    let start = Instant::now();
    let converted = match &blob {
        None => convert(chunks(&path)?, &options, Nowhere, &Control::new())?,
        Some(blob) => {
            let file = File::create(blob)?;
            let is_set = |name| std::env::var_os(name).is_some();
            let (stream, control) = (chunks(&path)?, Control::new());
            let converted = match () {
                () if is_set("DIRECT") => convert(stream, &options, DirectWriter::new(&file), &control)?,
                () if is_set("EARLY") => convert(stream, &options, EarlyWriter::new(&file), &control)?,
                () => convert(stream, &options, &file, &control)?,
            };
            println!("written after {:.2} s", start.elapsed().as_secs_f64());
            file.sync_all()?;
            converted
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let tar = converted.tar_size;
    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    let rate = tar.as_u64() as f64 / seconds / 1e6;
    println!(
        "{} of stream, {tar} of tar, {} of blob, {} entries in {seconds:.2} s: {rate:.0} MB/s of tar",
        converted.compressed_size, converted.blob_size, converted.entries,
    );
    println!(
        "{} bytes of metadata, {:?}, {:?}",
        converted.metadata_length, converted.leans, converted.warnings
    );
    println!("peak memory: {}", peak_memory().unwrap_or_default());
    Ok(())
}

fn peak_memory() -> Option<ByteSize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| ByteSize::bytes(kib << 10))
}
