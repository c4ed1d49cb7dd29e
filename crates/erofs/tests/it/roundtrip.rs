//! What is written is what is read.

use erofs::{Device, DeviceIndex, Image, ImageWriter, Tree, check};
use proptest::prelude::*;

use super::dump::{of_image, of_tree};
use super::random::{make, steps};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_trees_come_back_and_check_clean(steps in steps(60)) {
        let made = make(Vec::new(), &steps);
        let expected = of_tree(&made.tree, &made.files);
        let (blob, written) = made.writer.finish(&made.tree).unwrap();
        prop_assert_eq!(blob.len() as u64, written.size);
        prop_assert_eq!(made.tree.len() as u64, written.inodes);
        let image = Image::open(blob).unwrap();
        prop_assert_eq!(image.metadata(), written.metadata);
        prop_assert_eq!(of_image(&image), expected);
        let report = check(&image).unwrap();
        prop_assert!(report.is_clean(), "{:?}", report.problems());
    }

    #[test]
    fn the_same_calls_give_the_same_bytes(steps in steps(40)) {
        let write = || {
            let made = make(Vec::new(), &steps);
            made.writer.finish(&made.tree).unwrap().0
        };
        prop_assert_eq!(write(), write());
    }

    #[test]
    fn a_tree_read_back_and_written_again_is_the_same_metadata(steps in steps(60)) {
        let made = make(Vec::new(), &steps);
        let (blob, written) = made.writer.finish(&made.tree).unwrap();
        let tree = Image::open(blob.as_slice()).unwrap().read_tree(DeviceIndex::PRIMARY).unwrap();
        let mut writer = ImageWriter::new(Vec::new());
        let mut data = writer.begin_file().unwrap();
        data.append(&blob[4096..written.metadata.start as usize]).unwrap();
        data.finish().unwrap();
        let (again, _) = writer.finish(&tree).unwrap();
        prop_assert!(blob == again);
    }

    #[test]
    fn a_merged_metadata_image_shows_the_files_of_its_devices(upper in steps(30), lower in steps(30)) {
        let (blobs, trees): (Vec<_>, Vec<_>) = [lower, upper].iter().map(|steps| {
            let made = make(Vec::new(), steps);
            let expected = of_tree(&made.tree, &made.files);
            (made.writer.finish(&made.tree).unwrap().0, expected)
        }).unzip();
        for position in 0..2 {
            let device = DeviceIndex::extra(position).unwrap();
            let tree = Image::open(blobs[position].as_slice()).unwrap().read_tree(device).unwrap();
            let merged = merged(&tree, &blobs);
            let sources = blobs.clone();
            let image = Image::open_with_devices(merged, sources).unwrap();
            prop_assert_eq!(&of_image(&image), &trees[position]);
            let report = check(&image).unwrap();
            prop_assert!(report.is_clean(), "{:?}", report.problems());
        }
    }
}

pub(super) fn merged(tree: &Tree, blobs: &[Vec<u8>]) -> Vec<u8> {
    let devices = blobs.iter().map(|blob| Device::new(blob.len() as u64, "tag").unwrap()).collect();
    ImageWriter::with_devices(Vec::new(), devices).unwrap().finish(tree).unwrap().0
}
