//! The reader and the checker on damaged images: they may refuse, they may not panic, loop or grow.

use std::sync::OnceLock;

use erofs::{DeviceIndex, Image, InodeKind, ReadAt, check};

use super::shapes;

/// What is damaged: images of every shape that is small.
fn corpus() -> &'static [Vec<u8>] {
    static CORPUS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let small = [shapes::empty(), shapes::mixed(), shapes::wide(300)];
        let mut images: Vec<_> =
            small.into_iter().map(|made| made.writer.finish(&made.tree).unwrap().0).collect();
        let device = DeviceIndex::extra(0).unwrap();
        let tree = Image::open(images[1].as_slice()).unwrap().read_tree(device).unwrap();
        images.push(super::roundtrip::merged(&tree, &images[1..2]));
        images
    })
}

/// Does all that a reader can do.
fn read_all(bytes: &[u8]) {
    let devices = corpus()[1..2].iter().map(Vec::as_slice).collect();
    let Ok(image) = Image::open_with_devices(bytes, devices) else {
        return;
    };
    let _ = check(&image);
    let _ = image.read_tree(DeviceIndex::PRIMARY);
    let Ok(mut walk) = image.walk() else {
        return;
    };
    while let Ok(Some(inode)) = walk.advance() {
        let _ = image.xattrs(&inode);
        let _ = image.read_link(&inode);
        let _ = image.lookup_path(walk.path());
        if inode.kind() == InodeKind::Regular {
            read_ends(&image, &inode);
        }
    }
}

fn read_ends<R: ReadAt>(image: &Image<R>, inode: &erofs::Inode) {
    let mut buffer = [0; 5000];
    let _ = image.content(inode);
    for offset in [0, 4095, inode.size().saturating_sub(10), inode.size(), u64::MAX] {
        let _ = image.read_at(inode, offset, &mut buffer);
    }
}

#[test]
fn damaged_images_do_no_harm() {
    let input = bolero::check!().with_type::<(u8, Vec<(u16, u8)>, u16)>();
    input.for_each(|(which, damage, cut)| {
        let corpus = corpus();
        let mut image = corpus[usize::from(*which) % corpus.len()].clone();
        let metadata = image.len().saturating_sub(3 * 4096);
        for (at, byte) in damage {
            // Half of the damage goes to the superblock, half to the inodes at the end.
            let at = match at % 2 {
                0 => 1024 + usize::from(*at) / 2 % 256,
                _ => metadata + usize::from(*at) / 2 % (image.len() - metadata),
            };
            image[at] = *byte;
        }
        if cut % 4 == 0 {
            image.truncate(image.len().saturating_sub(usize::from(*cut)));
        }
        read_all(&image);
    });
}

#[test]
fn any_bytes_behind_a_superblock_do_no_harm() {
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        let mut image = corpus()[0].clone();
        image.truncate(8192);
        let len = bytes.len().min(4096);
        image[4096..4096 + len].copy_from_slice(&bytes[..len]);
        read_all(&image);
        read_all(bytes);
    });
}
