//! Other readers of our images, and other writers' images before our reader: erofs-utils where installed, erofs-rs always.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use erofs::{Image, Leaf, Metadata, Tree, check};
use erofs_rs::EroFS;
use erofs_rs::backend::{Image as _, SliceImage};
use proptest::prelude::*;

use super::dump::{Dump, What, of_image, of_tree};
use super::random::{make, steps};
use super::roundtrip::merged;
use super::shapes;

/// Runs a program of erofs-utils on files; `None` where it is not installed.
pub(super) fn run(program: &str, args: &[&str]) -> Option<String> {
    match Command::new(program).args(args).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(output.status.success(), "{program} {args:?}: {said}");
            Some(said)
        }
        Err(_) => {
            println!("skipped: {program} is not installed");
            None
        }
    }
}

fn fsck(blob: &[u8], devices: &[Vec<u8>]) {
    let file = |bytes: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let image = file(blob);
    let devices: Vec<_> = devices.iter().map(|device| file(device)).collect();
    let mut args: Vec<_> =
        devices.iter().map(|device| format!("--device={}", device.path().display())).collect();
    args.push("--extract".to_owned());
    args.push(image.path().display().to_string());
    if let Some(said) = run("fsck.erofs", &args.iter().map(String::as_str).collect::<Vec<_>>()) {
        assert!(!said.contains("error"), "{said}");
    }
}

/// Mode, owner, group, time, links, and a regular file's bytes.
type Facts = (u16, u32, u32, (i64, u32), u32, Option<Vec<u8>>);

/// Names, modes, owners, times, links and contents by the second reader.
fn second_reader(blob: &[u8]) -> BTreeMap<Vec<u8>, Facts> {
    let image = EroFS::new(SliceImage::new(blob)).unwrap();
    let mut found = BTreeMap::new();
    for entry in image.walk_dir("/").unwrap() {
        let entry = entry.unwrap();
        let inode = entry.inode;
        let content = inode.is_file().then(|| {
            let file = image.open_inode_file(inode).unwrap();
            let mut bytes = vec![0; file.size() as usize];
            let mut done = 0;
            while done < bytes.len() {
                done += file.read_at(&mut bytes[done..], done as u64).unwrap();
            }
            bytes
        });
        let path = entry.dir_entry.path();
        let path = path.as_bytes().strip_prefix(b"/").unwrap_or(path.as_bytes()).to_vec();
        let facts = (
            (inode.permissions().mode() & 0o7777) as u16,
            inode.uid(),
            inode.gid(),
            inode.modified_unix(),
            inode.nlink(),
            content,
        );
        found.insert(path, facts);
    }
    assert!(image.super_block().block_count() * 4096 <= SliceImage::new(blob).len());
    found
}

fn facts(dump: &Dump) -> BTreeMap<Vec<u8>, Facts> {
    let facts = dump.iter().filter(|(path, _)| !path.is_empty()).map(|(path, entry)| {
        let content = match &entry.what {
            What::Regular(bytes) => Some(bytes.clone()),
            _ => None,
        };
        (path.clone(), (entry.mode, entry.uid, entry.gid, entry.mtime, entry.links, content))
    });
    facts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_second_reader_agrees_and_fsck_is_clean(steps in steps(60)) {
        let made = make(Vec::new(), &steps);
        let expected = of_tree(&made.tree, &made.files);
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        prop_assert_eq!(second_reader(&blob), facts(&expected));
        fsck(&blob, &[]);
    }
}

#[test]
fn fsck_is_clean_wherever_the_last_inode_ends() {
    let mut sizes = std::collections::BTreeSet::new();
    for count in 60..130 {
        let mut made = shapes::empty();
        for number in 0..count {
            let name = format!("{number:03}");
            made.tree.add_leaf(Tree::ROOT, shapes::name(&name), Metadata::default(), Leaf::Fifo).unwrap();
        }
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        sizes.insert(blob.len());
        fsck(&blob, &[]);
    }
    assert!(sizes.len() > 1, "somewhere a block was full");
}

#[test]
fn fsck_is_clean_on_odd_shapes() {
    for (name, made) in shapes::all() {
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        println!("{name}");
        fsck(&blob, &[]);
    }
}

#[test]
fn fsck_is_clean_on_a_merged_metadata_image() {
    let made = shapes::mixed();
    let (blob, _) = made.writer.finish(&made.tree).unwrap();
    let device = erofs::DeviceIndex::extra(0).unwrap();
    let tree = Image::open(blob.as_slice()).unwrap().read_tree(device).unwrap();
    let merged = merged(&tree, std::slice::from_ref(&blob));
    fsck(&merged, &[blob]);
}

#[test]
fn images_of_mkfs_are_read_and_check_clean() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    populate(&root);
    for options in [
        &["-Eforce-inode-compact"][..],
        &["-Eforce-inode-extended"],
        &["-Enoinline_data"],
        &["--chunksize=4096"],
        &["-Eforce-chunk-indexes", "--chunksize=8192"],
    ] {
        let file = dir.path().join("image");
        let mut args = vec!["-T1000000007"];
        args.extend_from_slice(options);
        args.extend_from_slice(&[file.to_str().unwrap(), root.to_str().unwrap()]);
        if run("mkfs.erofs", &args).is_none() {
            return;
        }
        let image = Image::open(fs::read(&file).unwrap()).unwrap();
        let report = check(&image).unwrap();
        assert!(report.is_clean(), "{options:?}: {:?}", report.problems());
        let dump = of_image(&image);
        assert_eq!(
            dump[&b"deep/er/big"[..]].what,
            What::Regular(super::random::bytes(20_000, 3)),
            "{options:?}"
        );
        assert_eq!(dump[&b"small"[..]].what, What::Regular(b"inline?".to_vec()));
        assert_eq!(dump[&b"small"[..]].same_as, b"hard");
        assert_eq!((dump[&b"small"[..]].links, dump[&b"small"[..]].mode), (2, 0o640));
        assert_eq!(dump[&b"small"[..]].mtime.0, 1_000_000_007);
        assert_eq!(dump[&b"link"[..]].what, What::Symlink(b"deep/er".to_vec()));
        assert_eq!(dump.len(), 3007);
    }
}

fn populate(root: &Path) {
    fs::create_dir_all(root.join("deep/er")).unwrap();
    fs::write(root.join("small"), b"inline?").unwrap();
    fs::set_permissions(root.join("small"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::hard_link(root.join("small"), root.join("hard")).unwrap();
    fs::write(root.join("deep/er/big"), super::random::bytes(20_000, 3)).unwrap();
    symlink("deep/er", root.join("link")).unwrap();
    (0..3000).for_each(|number| fs::write(root.join(format!("deep/{number}")), [b'x'; 5]).unwrap());
}
