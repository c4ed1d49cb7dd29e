//! Large files and files with holes.

use erofs::{
    BlockSink, DeviceIndex, FileContent, Image, ImageWriter, Leaf, Metadata, RunSource, Segment, SparseError,
    SparsePlan, Tree, WriteError, check,
};
use proptest::prelude::*;

use super::shapes::name;

const TIB: u64 = 1 << 40;

fn image_of(content: FileContent, writer: ImageWriter<Vec<u8>>) -> Image<Vec<u8>> {
    let mut tree = Tree::new(Metadata::default());
    tree.add_leaf(Tree::ROOT, name("f"), Metadata::default(), Leaf::Regular(content)).unwrap();
    let image = Image::open(writer.finish(&tree).unwrap().0).unwrap();
    assert!(check(&image).unwrap().is_clean(), "{:?}", check(&image).unwrap().problems());
    image
}

#[test]
fn a_tebibyte_with_a_few_bytes_takes_a_few_megabytes() {
    let segments = vec![
        Segment { offset: 5, len: 3 },
        Segment { offset: TIB / 2 + 1, len: 3 },
        Segment { offset: TIB - 3, len: 3 },
    ];
    let plan = SparsePlan::new(TIB, segments).unwrap();
    assert!(plan.stored_bytes() < 16 << 20, "{}", plan.stored_bytes());
    let mut writer = ImageWriter::new(Vec::new());
    let mut file = writer.begin_sparse_file(plan).unwrap();
    file.append(b"abcde").unwrap();
    file.append(b"fghi").unwrap();
    let content = file.finish().unwrap();
    assert_eq!(content.size(), TIB);
    let image = image_of(content, writer);
    let inode = image.lookup_path(b"f").unwrap().unwrap();
    let at = |offset| {
        let mut bytes = [0xee; 5];
        let len = image.read_at(&inode, offset, &mut bytes).unwrap();
        bytes[..len].to_vec()
    };
    assert_eq!(at(4), b"\0abc\0");
    assert_eq!(at(TIB / 2), b"\0def\0");
    assert_eq!(at(TIB - 4), b"\0ghi");
    assert_eq!(at(TIB), b"");
}

#[test]
fn a_file_without_any_data_takes_no_blocks() {
    let plan = SparsePlan::new(i64::MAX as u64, vec![Segment { offset: 7, len: 0 }]).unwrap();
    let mut writer = ImageWriter::new(Vec::new());
    let content = writer.begin_sparse_file(plan).unwrap().finish().unwrap();
    assert_eq!(writer.position(), 4096);
    assert_eq!(content, FileContent::hole(i64::MAX as u64));
    let image = image_of(content, writer);
    assert!(image.image_size() < 10 << 20);
}

#[test]
fn a_file_of_more_than_four_gibibytes_keeps_its_size() {
    /// Keeps only what is not zero blocks.
    #[derive(Default)]
    struct Discarding {
        written: u64,
        last: Vec<u8>,
    }
    impl BlockSink for Discarding {
        fn write_all_at(&mut self, data: &[u8], offset: u64) -> std::io::Result<()> {
            assert!(offset == self.written || offset == 0);
            if offset > 0 {
                self.written += data.len() as u64;
                self.last = data[data.len().saturating_sub(8192)..].to_vec();
            }
            Ok(())
        }
    }
    let mut writer = ImageWriter::new(Discarding { written: 4096, last: Vec::new() });
    let part = vec![1; 32 << 20];
    let mut file = writer.begin_file().unwrap();
    (0..129).for_each(|_| file.append(&part).unwrap());
    let content = file.finish().unwrap();
    assert_eq!(content.size(), 129 * (32 << 20));
    let mut tree = Tree::new(Metadata::default());
    tree.add_leaf(Tree::ROOT, name("f"), Metadata::default(), Leaf::Regular(content)).unwrap();
    let (sink, written) = writer.finish(&tree).unwrap();
    assert_eq!(written.metadata.start, 4096 + 129 * (32 << 20));
    assert_eq!(sink.written, written.size);
    // The file's inode follows the root's 32 bytes and directory; its size needs the 64-byte form.
    let region = &sink.last[sink.last.len() - 4096..];
    let size = (129u64 * (32 << 20)).to_le_bytes();
    assert!(region.windows(8).any(|window| window == size));
}

#[test]
fn other_than_the_planned_bytes_are_refused() {
    let plan = || SparsePlan::new(100, vec![Segment { offset: 10, len: 5 }]).unwrap();
    let mut writer = ImageWriter::new(Vec::new());
    let mut file = writer.begin_sparse_file(plan()).unwrap();
    assert!(matches!(file.append(b"abcdef"), Err(WriteError::SparseData { planned: 5, appended: 6 })));
    let mut file = writer.begin_sparse_file(plan()).unwrap();
    file.append(b"abc").unwrap();
    assert!(matches!(file.finish(), Err(WriteError::SparseData { planned: 5, appended: 3 })));
}

#[test]
fn malformed_plans_are_refused() {
    let plan = |size, list: &[(u64, u64)]| {
        SparsePlan::new(
            size,
            list.iter().map(|(offset, len)| Segment { offset: *offset, len: *len }).collect(),
        )
    };
    assert!(matches!(plan(10, &[(0, 5), (4, 1)]), Err(SparseError::NotAscending(_))));
    assert!(matches!(plan(10, &[(8, 3)]), Err(SparseError::BeyondEnd(_))));
    assert!(matches!(plan(10, &[(8, u64::MAX)]), Err(SparseError::BeyondEnd(_))));
    assert!(matches!(plan(u64::MAX, &[]), Err(SparseError::FileTooLarge(_))));
}

#[test]
fn content_outside_of_all_devices_is_refused() {
    for content in [
        FileContent::on_device(DeviceIndex::PRIMARY, 1, 1),
        FileContent::on_device(DeviceIndex::PRIMARY, u32::MAX, 1),
        FileContent::on_device(DeviceIndex::extra(0).unwrap(), 0, 1),
        FileContent::hole(u64::MAX),
    ] {
        let mut tree = Tree::new(Metadata::default());
        tree.add_leaf(Tree::ROOT, name("f"), Metadata::default(), Leaf::Regular(content.clone())).unwrap();
        let refused = ImageWriter::new(Vec::new()).finish(&tree);
        assert!(matches!(refused, Err(WriteError::NoSuchBlocks(named)) if *named == content));
    }
}

proptest! {
    #[test]
    fn a_plan_stores_every_segment_once_and_its_content_has_the_file_s_length(
        gaps in proptest::collection::vec((0..1u64 << 24, 1..10_000u64), 1..6),
        hole in 0..1u64 << 34,
    ) {
        let mut end = 0;
        let segments: Vec<_> = gaps.into_iter().map(|(gap, len)| {
            let segment = Segment { offset: end + gap, len };
            end = segment.offset + len;
            segment
        }).collect();
        let plan = SparsePlan::new(end + hole, segments.clone()).unwrap();
        let mut writer = ImageWriter::new(Vec::new());
        let mut file = writer.begin_sparse_file(plan.clone()).unwrap();
        segments.iter().for_each(|segment| file.append(&vec![7; segment.len as usize]).unwrap());
        let content = file.finish().unwrap();
        let stored: u64 = content.runs().iter().filter(|run| run.source != RunSource::Hole).map(|run| run.blocks * 4096).sum();
        prop_assert!(stored <= plan.stored_bytes());
        prop_assert_eq!(writer.position(), 4096 + stored);
        let blocks: u64 = content.runs().iter().map(|run| run.blocks).sum();
        prop_assert_eq!(blocks, (end + hole).div_ceil(4096));
    }
}
