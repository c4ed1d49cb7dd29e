//! The kernel as reader: mounts the image file itself, devices included. Needs root, and a kernel that mounts EROFS from
//! files (6.12) or a loop device by `mount(8)`.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use erofs::{DeviceIndex, Image, ImageWriter, Leaf, Metadata, Segment, SparsePlan, Tree};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::dump::{Dump, Entry, What, join, of_tree};
use super::random::{make, steps};
use super::roundtrip::merged;
use super::shapes::{self, name};

fn is_privileged() -> bool {
    let privileged = std::env::var_os("IMC_TEST_PRIVILEGED").is_some_and(|value| value == "1");
    if !privileged {
        println!("skipped: needs IMC_TEST_PRIVILEGED=1");
    }
    privileged
}

/// A mounted image; unmounted when dropped.
struct Mounted {
    dir: tempfile::TempDir,
}

impl Mounted {
    fn new(blob: &[u8], devices: &[Vec<u8>]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("image.erofs");
        fs::write(&file, blob).unwrap();
        let mut options = Vec::new();
        for (number, device) in devices.iter().enumerate() {
            let path = dir.path().join(format!("device{number}"));
            fs::write(&path, device).unwrap();
            options.push(format!("device={}", path.display()));
        }
        let mounted = Self { dir };
        fs::create_dir(mounted.root()).unwrap();
        let data = CString::new(options.join(",")).unwrap();
        if let Err(error) = mount(&file, mounted.root(), "erofs", MountFlags::RDONLY, data.as_c_str()) {
            // Kernels before 6.12 want a block device; then extra devices would each need a loop device too.
            assert!(devices.is_empty(), "failed to mount with devices: {error}");
            let mut command = Command::new("mount");
            command.args(["-t", "erofs", "-o", "ro,loop"]).arg(&file).arg(mounted.root());
            assert!(command.status().unwrap().success(), "failed to mount: {error}");
        }
        mounted
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(self.root(), UnmountFlags::DETACH).unwrap();
    }
}

/// What the kernel says.
fn of_mount(root: &Path) -> Dump {
    let mut dump = Dump::new();
    let mut paths = BTreeMap::from([(Vec::new(), root.to_path_buf())]);
    let mut todo = vec![(Vec::new(), root.to_path_buf())];
    while let Some((at, dir)) = todo.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            let at = join(&at, entry.file_name().as_bytes());
            if entry.file_type().unwrap().is_dir() {
                todo.push((at.clone(), entry.path()));
            }
            paths.insert(at, entry.path());
        }
    }
    let mut first = HashMap::new();
    for (at, path) in paths {
        let stat = fs::symlink_metadata(&path).unwrap();
        let same_as = first.entry(stat.ino()).or_insert_with(|| at.clone()).clone();
        let mut entry = Entry {
            what: what(&path, &stat),
            mode: (stat.mode() & 0o7777) as u16,
            uid: stat.uid(),
            gid: stat.gid(),
            mtime: (stat.mtime(), stat.mtime_nsec() as u32),
            links: stat.nlink() as u32,
            same_as,
            xattrs: BTreeMap::new(),
        };
        entry.xattrs = xattrs(&path, may_have_user_xattrs(&entry));
        dump.insert(at, entry);
    }
    dump
}

fn what(path: &Path, stat: &fs::Metadata) -> What {
    let kind = stat.file_type();
    let (major, minor) = (rustix::fs::major(stat.rdev()), rustix::fs::minor(stat.rdev()));
    match () {
        () if kind.is_dir() => What::Directory,
        () if kind.is_file() => What::Regular(fs::read(path).unwrap()),
        () if kind.is_symlink() => What::Symlink(fs::read_link(path).unwrap().into_os_string().into_vec()),
        () if kind.is_char_device() => What::Char(major, minor),
        () if kind.is_block_device() => What::Block(major, minor),
        () if kind.is_fifo() => What::Fifo,
        () => What::Socket,
    }
}

/// The kernel lists `user.` xattrs of symlinks and devices, but gives them to nobody (`xattr(7)`).
fn may_have_user_xattrs(entry: &Entry) -> bool {
    matches!(entry.what, What::Regular(_) | What::Directory)
}

fn without_hidden_xattrs(mut dump: Dump) -> Dump {
    for entry in dump.values_mut() {
        let with_user = may_have_user_xattrs(entry);
        entry.xattrs.retain(|name, _| with_user || !name.starts_with(b"user."));
    }
    dump
}

fn xattrs(path: &Path, with_user: bool) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 65_536];
    let len = rustix::fs::llistxattr(path, &mut names).unwrap();
    let names = names[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let names = names.filter(|name| with_user || !name.starts_with(b"user."));
    let read = |name: &[u8]| {
        let mut value = vec![0; 65_536];
        let len = rustix::fs::lgetxattr(path, OsString::from_vec(name.to_vec()), &mut value).unwrap();
        (name.to_vec(), value[..len].to_vec())
    };
    names.map(read).collect()
}

#[test]
fn the_kernel_sees_odd_shapes_as_they_were_made() {
    if !is_privileged() {
        return;
    }
    for (shape, made) in shapes::all() {
        let expected = without_hidden_xattrs(of_tree(&made.tree, &made.files));
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        let mounted = Mounted::new(&blob, &[]);
        let seen = of_mount(&mounted.root());
        assert_eq!(seen.len(), expected.len(), "{shape}");
        for (path, entry) in &expected {
            let seen = &seen[path];
            assert!(seen == entry, "{shape}: {}: {seen:?} is not {entry:?}", path.escape_ascii());
        }
    }
}

#[test]
fn the_kernel_sees_random_trees_as_they_were_made() {
    if !is_privileged() {
        return;
    }
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config::with_cases(24));
    let seen = runner.run(&steps(60), |steps| {
        let made = make(Vec::new(), &steps);
        let expected = without_hidden_xattrs(of_tree(&made.tree, &made.files));
        let (blob, _) = made.writer.finish(&made.tree).unwrap();
        let mounted = Mounted::new(&blob, &[]);
        proptest::prop_assert_eq!(of_mount(&mounted.root()), expected);
        Ok(())
    });
    seen.unwrap();
}

#[test]
fn the_kernel_sees_a_merged_metadata_image_over_its_devices() {
    if !is_privileged() {
        return;
    }
    let blobs: Vec<_> = [shapes::wide(10), shapes::mixed()]
        .into_iter()
        .map(|made| {
            let expected = without_hidden_xattrs(of_tree(&made.tree, &made.files));
            (made.writer.finish(&made.tree).unwrap().0, expected)
        })
        .collect();
    let (blobs, trees): (Vec<_>, Vec<_>) = blobs.into_iter().unzip();
    let device = DeviceIndex::extra(1).unwrap();
    let tree = Image::open(blobs[1].as_slice()).unwrap().read_tree(device).unwrap();
    let mounted = Mounted::new(&merged(&tree, &blobs), &blobs);
    assert_eq!(of_mount(&mounted.root()), trees[1]);
}

#[test]
fn the_kernel_reads_a_sparse_file_of_a_tebibyte() {
    use std::os::unix::fs::FileExt;
    if !is_privileged() {
        return;
    }
    let size = (1u64 << 40) + 5;
    let segments = vec![Segment { offset: 1 << 33, len: 3 }, Segment { offset: size - 2, len: 2 }];
    let mut writer = ImageWriter::new(Vec::new());
    let mut file = writer.begin_sparse_file(SparsePlan::new(size, segments).unwrap()).unwrap();
    file.append(b"abcde").unwrap();
    let content = file.finish().unwrap();
    let mut tree = Tree::new(Metadata::default());
    tree.add_leaf(Tree::ROOT, name("f"), Metadata::default(), Leaf::Regular(content)).unwrap();
    let mounted = Mounted::new(&writer.finish(&tree).unwrap().0, &[]);
    let file = fs::File::open(mounted.root().join("f")).unwrap();
    let at = |offset| {
        let mut bytes = [0xee; 5];
        let len = file.read_at(&mut bytes, offset).unwrap();
        bytes[..len].to_vec()
    };
    assert_eq!(file.metadata().unwrap().len(), size);
    assert_eq!(at((1 << 33) - 1), b"\0abc\0");
    assert_eq!(at(size - 4), b"\0\0de");
    assert_eq!(at(0), [0; 5]);
}
