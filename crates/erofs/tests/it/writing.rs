//! How the writer treats its sink.

use std::io;

use erofs::{BlockSink, Device, DeviceError, ImageWriter, Leaf, Metadata, Tree, WriteBuffer, WriteError};

use super::random::bytes;
use super::shapes::name;

/// Notes each write; fails at the byte it is told to.
#[derive(Default)]
struct Noting {
    bytes: Vec<u8>,
    writes: Vec<(u64, usize)>,
    fails_at: Option<u64>,
}

impl BlockSink for Noting {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        if self.fails_at.is_some_and(|at| offset + data.len() as u64 > at) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.writes.push((offset, data.len()));
        self.bytes.write_all_at(data, offset)
    }
}

/// Keeps each buffer until the next one comes, and notes where they lay.
#[derive(Default)]
struct Keeping {
    inner: Noting,
    kept: Option<(WriteBuffer, u64)>,
    gathered: Vec<(u64, usize)>,
    data_end: Option<u64>,
}

impl Keeping {
    fn write_kept(&mut self) -> io::Result<Option<WriteBuffer>> {
        let Some((buffer, offset)) = self.kept.take() else { return Ok(None) };
        self.inner.write_all_at(buffer.bytes(), offset)?;
        Ok(Some(buffer))
    }
}

impl BlockSink for Keeping {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_all_at(data, offset)
    }

    fn write_gathered(&mut self, gathered: WriteBuffer, offset: u64) -> io::Result<WriteBuffer> {
        if self.data_end.is_some() {
            self.inner.write_all_at(gathered.bytes(), offset)?;
            return Ok(gathered);
        }
        assert_eq!(gathered.bytes().as_ptr().align_offset(4096), 0);
        self.gathered.push((offset, gathered.bytes().len()));
        let empty = self.write_kept()?.unwrap_or_else(WriteBuffer::new);
        self.kept = Some((gathered, offset));
        Ok(empty)
    }

    fn wants_gathered(&self) -> bool {
        true
    }

    fn metadata_follows(&mut self) -> io::Result<()> {
        self.write_kept()?;
        self.data_end = self.gathered.last().map(|(offset, len)| offset + *len as u64);
        Ok(())
    }
}

/// Two hundred small files around a large one.
fn write_some<S: BlockSink>(sink: S) -> erofs::Written {
    let mut writer = ImageWriter::new(sink);
    let mut tree = Tree::new(Metadata::default());
    let large = bytes(10 << 20, 9);
    for number in 0..200 {
        let mut file = writer.begin_file().unwrap();
        match number {
            100 => large.chunks(300_007).for_each(|part| file.append(part).unwrap()),
            _ => file.append(b"small").unwrap(),
        }
        let leaf = Leaf::Regular(file.finish().unwrap());
        tree.add_leaf(Tree::ROOT, name(&number.to_string()), Metadata::default(), leaf).unwrap();
    }
    writer.finish(&tree).unwrap().1
}

#[test]
fn a_sink_that_wants_it_gets_all_data_gathered_in_whole_blocks_before_the_metadata() {
    let (mut keeping, mut noting) = (Keeping::default(), Noting::default());
    let written = write_some(&mut keeping);
    assert_eq!(write_some(&mut noting), written);
    assert!(keeping.inner.bytes == noting.bytes);
    assert_eq!(keeping.data_end, Some(written.metadata.start));
    let mut at = 4096;
    for (offset, len) in &keeping.gathered {
        assert_eq!((*offset, *offset % 4096, *len % 4096), (at, 0, 0));
        at += *len as u64;
    }
    assert!(keeping.gathered.len() <= 12, "{:?}", keeping.gathered);
}

#[test]
fn small_files_share_writes_and_large_slices_pass() {
    let mut sink = Noting::default();
    let mut writer = ImageWriter::new(&mut sink);
    let mut tree = Tree::new(Metadata::default());
    let large = bytes(10 << 20, 9);
    for number in 0..600 {
        let mut file = writer.begin_file().unwrap();
        match number {
            300 => file.append(&large).unwrap(),
            _ => file.append(b"small").unwrap(),
        }
        let leaf = Leaf::Regular(file.finish().unwrap());
        tree.add_leaf(Tree::ROOT, name(&number.to_string()), Metadata::default(), leaf).unwrap();
    }
    let (_, written) = writer.finish(&tree).unwrap();
    let (last, rest) = sink.writes.split_last().unwrap();
    assert_eq!(*last, (0, 4096));
    assert!(rest.len() <= 6, "{:?}", sink.writes);
    assert!(rest.iter().any(|(_, len)| *len >= large.len() - 8192));
    let mut at = 4096;
    for (offset, len) in rest {
        assert_eq!(*offset, at);
        assert_eq!(at % 4096, 0);
        at += *len as u64;
    }
    assert_eq!(at, written.size);
    let image = erofs::Image::open(sink.bytes).unwrap();
    let inode = image.lookup_path(b"300").unwrap().unwrap();
    let mut read = vec![0; large.len()];
    image.read_at(&inode, 0, &mut read).unwrap();
    assert!(read == large);
}

#[test]
fn data_comes_out_the_same_however_it_is_sliced() {
    let data = bytes(3 << 20, 4);
    let written = |slices: &[usize]| {
        let mut writer = ImageWriter::new(Vec::new());
        let mut tree = Tree::new(Metadata::default());
        for number in 0..3 {
            let mut file = writer.begin_file().unwrap();
            let mut rest = &data[number..];
            for slice in slices.iter().cycle() {
                let (now, later) = rest.split_at((*slice).min(rest.len()));
                file.append(now).unwrap();
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            let leaf = Leaf::Regular(file.finish().unwrap());
            tree.add_leaf(Tree::ROOT, name(&number.to_string()), Metadata::default(), leaf).unwrap();
        }
        writer.finish(&tree).unwrap().0
    };
    let whole = written(&[usize::MAX]);
    for slices in [&[1 << 20][..], &[65_536], &[65_535, 1], &[1, 100_000, 7], &[511]] {
        assert!(written(slices) == whole, "{slices:?}");
    }
}

#[test]
fn a_dropped_file_leaves_only_unreferenced_bytes() {
    let mut writer = ImageWriter::new(Vec::new());
    let mut dropped = writer.begin_file().unwrap();
    dropped.append(b"nobody's").unwrap();
    let mut file = writer.begin_file().unwrap();
    file.append(b"kept").unwrap();
    let content = file.finish().unwrap();
    let mut tree = Tree::new(Metadata::default());
    tree.add_leaf(Tree::ROOT, name("f"), Metadata::default(), Leaf::Regular(content)).unwrap();
    let image = erofs::Image::open(writer.finish(&tree).unwrap().0).unwrap();
    assert!(erofs::check(&image).unwrap().is_clean());
    let mut read = [0; 4];
    let inode = image.lookup_path(b"f").unwrap().unwrap();
    image.read_at(&inode, 0, &mut read).unwrap();
    assert_eq!(&read, b"kept");
}

#[test]
fn a_full_disk_is_named_with_the_position() {
    for fails_at in [4096, 1 << 20, 5 << 20, 9 << 20] {
        let sink = Noting { fails_at: Some(fails_at), ..Noting::default() };
        let mut writer = ImageWriter::new(sink);
        let write = |writer: &mut ImageWriter<Noting>| {
            let mut file = writer.begin_file()?;
            (0..300).try_for_each(|_| file.append(&[1; 30_000]))?;
            file.finish()
        };
        let failed =
            write(&mut writer).err().or_else(|| writer.finish(&Tree::new(Metadata::default())).err());
        match failed {
            Some(WriteError::Sink { offset, source }) => {
                assert!(offset <= fails_at);
                assert_eq!(source.kind(), io::ErrorKind::StorageFull);
            }
            other => assert!(fails_at > 9_000_000, "{other:?}"),
        }
    }
}

#[test]
fn impossible_devices_are_refused() {
    assert!(matches!(Device::new(1 << 44, "t"), Err(DeviceError::TooLarge(_))));
    assert!(matches!(Device::new(1, ""), Err(DeviceError::Tag(_))));
    assert!(matches!(Device::new(1, &"t".repeat(65)), Err(DeviceError::Tag(_))));
    let devices = vec![Device::new(1, "t").unwrap(); 65_536];
    assert!(matches!(
        ImageWriter::with_devices(Vec::new(), devices),
        Err(WriteError::TooManyDevices(65_536))
    ));
}

#[test]
fn hundreds_of_devices_keep_their_tags_and_sizes() {
    let devices: Vec<_> = (1..500).map(|n| Device::new(n * 4096, &format!("{n:064x}")).unwrap()).collect();
    let (blob, _) = ImageWriter::with_devices(Vec::new(), devices)
        .unwrap()
        .finish(&Tree::new(Metadata::default()))
        .unwrap();
    let image = erofs::Image::open(blob).unwrap();
    assert!(erofs::check(&image).unwrap().is_clean());
    for (n, device) in (1..).zip(image.devices()) {
        assert_eq!((device.blocks, device.tag.clone()), (n, format!("{n:064x}").into_bytes()));
    }
    assert_eq!(image.devices().len(), 499);
}
