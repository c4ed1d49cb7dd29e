//! How fast images are written: many small files, and one large one; into nothing, and into a file on tmpfs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::io;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use erofs::{BlockSink, DeviceIndex, Image, ImageWriter, Leaf, Metadata, Mtime, Name, Tree};

const FILES: u32 = 100_000;
const LARGE: u64 = 1 << 30;

/// Takes everything, keeps nothing.
struct Discarding;

impl BlockSink for Discarding {
    fn write_all_at(&mut self, data: &[u8], _offset: u64) -> io::Result<()> {
        black_box(data);
        Ok(())
    }
}

/// Sizes as small files have them: 0 to 16 KiB, most of them small.
fn size(number: u32) -> usize {
    (number.wrapping_mul(2_654_435_761) >> 18) as usize >> (number % 4)
}

fn write_small<S: BlockSink>(sink: S, data: &[u8]) -> (S, Tree) {
    let mut writer = ImageWriter::new(sink);
    let mut tree = Tree::new(Metadata::default());
    let mut dir = Tree::ROOT;
    for number in 0..FILES {
        let mtime = Mtime::new(1_700_000_000 + i64::from(number), 0).unwrap();
        let metadata = Metadata { mode: 0o644, mtime, ..Metadata::default() };
        if number % 25 == 0 {
            let name = format!("directory-{number}");
            dir = tree
                .add_directory(Tree::ROOT, Name::new(name.as_bytes()).unwrap(), metadata.clone())
                .unwrap();
        }
        let mut file = writer.begin_file().unwrap();
        file.append(&data[..size(number)]).unwrap();
        let leaf = Leaf::Regular(file.finish().unwrap());
        let name = format!("file-{number}.py");
        tree.add_leaf(dir, Name::new(name.as_bytes()).unwrap(), metadata, leaf).unwrap();
    }
    let (sink, _) = writer.finish(&tree).unwrap();
    (sink, tree)
}

fn write_large<S: BlockSink>(sink: S, slice: &[u8]) -> S {
    let mut writer = ImageWriter::new(sink);
    let mut file = writer.begin_file().unwrap();
    for _ in 0..LARGE / slice.len() as u64 {
        file.append(slice).unwrap();
    }
    let leaf = Leaf::Regular(file.finish().unwrap());
    let mut tree = Tree::new(Metadata::default());
    tree.add_leaf(Tree::ROOT, Name::new(b"large").unwrap(), Metadata::default(), leaf).unwrap();
    writer.finish(&tree).unwrap().0
}

fn tmpfs_file() -> std::fs::File {
    tempfile::tempfile_in("/dev/shm").unwrap()
}

fn benches(criterion: &mut Criterion) {
    let data = vec![0x5a; 1 << 20];
    let mut group = criterion.benchmark_group("small files");
    group.sample_size(10).throughput(Throughput::Elements(FILES.into()));
    group.bench_function("discarded", |bencher| bencher.iter(|| write_small(Discarding, &data)));
    group.bench_function("tmpfs", |bencher| bencher.iter(|| write_small(tmpfs_file(), &data)));
    let (image, _) = write_small(Vec::new(), &data);
    let image = Image::open(image).unwrap();
    group.bench_function("read back", |bencher| {
        bencher.iter(|| image.read_tree(DeviceIndex::PRIMARY).unwrap());
    });
    group.finish();

    let mut group = criterion.benchmark_group("one large file");
    group.sample_size(10).throughput(Throughput::Bytes(LARGE));
    for kib in [8, 64, 1024] {
        let slice = &data[..kib << 10];
        group.bench_function(format!("discarded, {kib} KiB slices"), |bencher| {
            bencher.iter(|| write_large(Discarding, slice));
        });
        group.bench_function(format!("tmpfs, {kib} KiB slices"), |bencher| {
            bencher.iter(|| write_large(tmpfs_file(), slice));
        });
    }
    group.finish();
}

criterion_group!(write, benches);
criterion_main!(write);
