//! Digests of fixed images. A change here means that equal layers get other blobs than before: stores keep both, and caches
//! built earlier stay readable; still it must be meant.

use aws_lc_rs::digest::{SHA256, digest};
use erofs::{DeviceIndex, Image};

use super::roundtrip::merged;
use super::shapes;

fn sum(blob: &[u8]) -> String {
    digest(&SHA256, blob).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_images_of_fixed_trees_do_not_change() {
    let mut sums = String::new();
    for (name, made) in shapes::all() {
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        sums += &format!("{name}: {}\n", sum(&blob));
        if name == "mixed" {
            let tree =
                Image::open(blob.as_slice()).unwrap().read_tree(DeviceIndex::extra(0).unwrap()).unwrap();
            sums += &format!("merged: {}\n", sum(&merged(&tree, &[blob])));
        }
    }
    assert_eq!(sums, include_str!("golden.txt"), "\n{sums}");
}
