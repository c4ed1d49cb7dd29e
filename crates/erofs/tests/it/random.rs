//! Random trees.

use std::collections::HashMap;

use erofs::{
    BlockSink, DeviceNumber, FileContent, ImageWriter, Leaf, Metadata, Mtime, Name, NodeId, Segment,
    SparsePlan, SymlinkTarget, Tree, Xattrs,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// How to make one entry; numbers choose among what exists.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) dir: prop::sample::Index,
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) metadata: Metadata,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Directory,
    Regular { len: usize, seed: u8, slice: usize },
    Sparse { size: u64, segments: Vec<Segment>, seed: u8 },
    Symlink(Vec<u8>),
    Char(DeviceNumber),
    Block(DeviceNumber),
    Fifo,
    Socket,
    Link(prop::sample::Index),
    Remove,
}

/// A tree being made, with what its files hold.
pub(super) struct Made<S> {
    pub(super) writer: ImageWriter<S>,
    pub(super) tree: Tree,
    pub(super) files: HashMap<NodeId, Vec<u8>>,
}

pub(super) fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<prop::sample::Index>(), name(), kind(), metadata());
    vec(step.prop_map(|(dir, name, kind, metadata)| Step { dir, name, kind, metadata }), 0..max)
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("no separator", |byte| !matches!(byte, 0 | b'/'));
    let any_bytes = prop_oneof![4 => vec(byte.clone(), 1..20), 1 => vec(byte, 200..=255)];
    let few = "[!-.a-c]{1,3}".prop_map(String::into_bytes);
    prop_oneof![any_bytes, few].prop_filter("no dots", |name| Name::new(name).is_ok())
}

pub(super) fn metadata() -> impl Strategy<Value = Metadata> {
    let time = prop_oneof![Just(0i64), any::<i32>().prop_map(i64::from), -(1i64 << 40)..(1i64 << 40)];
    let nanos = prop_oneof![Just(0u32), 0..1_000_000_000u32];
    let id = prop_oneof![0..70_000u32, 0..u32::MAX];
    (0..0o10000u16, id.clone(), id, time, nanos, xattrs()).prop_map(
        |(mode, uid, gid, seconds, nanos, xattrs)| Metadata {
            mode,
            uid,
            gid,
            mtime: Mtime::new(seconds, nanos).unwrap(),
            xattrs,
        },
    )
}

fn xattrs() -> impl Strategy<Value = Xattrs> {
    let prefix = prop::sample::select(vec!["user.", "trusted.", "security."]);
    let value = prop_oneof![8 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 3000..6000)];
    let set = vec((prefix, "[a-z.]{1,30}", value), 0..4).prop_map(|list| {
        let mut xattrs = Xattrs::new();
        for (prefix, rest, value) in list {
            xattrs.insert(format!("{prefix}{rest}").as_bytes(), &value).unwrap();
        }
        xattrs
    });
    prop_oneof![3 => Just(Xattrs::new()), 1 => set]
}

fn kind() -> impl Strategy<Value = Kind> {
    let number =
        (0..4096u32, 0..1u32 << 20).prop_map(|(major, minor)| DeviceNumber::new(major, minor).unwrap());
    let len = prop_oneof![Just(0), 1..9000usize, 60_000..300_000usize];
    let target = vec(1..=255u8, 1..300).prop_map(Kind::Symlink);
    let long_target = vec(1..=255u8, 3900..4096).prop_map(Kind::Symlink);
    prop_oneof![
        6 => Just(Kind::Directory),
        6 => (len, any::<u8>(), 1..200_000usize).prop_map(|(len, seed, slice)| Kind::Regular { len, seed, slice }),
        1 => sparse(),
        2 => prop_oneof![8 => target, 1 => long_target],
        1 => number.clone().prop_map(Kind::Char),
        1 => number.prop_map(Kind::Block),
        1 => Just(Kind::Fifo),
        1 => Just(Kind::Socket),
        2 => any::<prop::sample::Index>().prop_map(Kind::Link),
        1 => Just(Kind::Remove),
    ]
}

fn sparse() -> impl Strategy<Value = Kind> {
    (vec((0..200_000u64, 0..9000u64), 0..5), 0..100_000u64, any::<u8>()).prop_map(|(gaps, hole, seed)| {
        let mut end = 0;
        let segments = gaps.into_iter().map(|(gap, len)| {
            let offset = end + gap;
            end = offset + len;
            Segment { offset, len }
        });
        let segments: Vec<_> = segments.collect();
        Kind::Sparse { size: end + hole, segments, seed }
    })
}

/// Bytes that differ from file to file and from place to place.
pub(super) fn bytes(len: usize, seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Carries the steps out; those that name what exists replace it.
pub(super) fn make<S: BlockSink>(sink: S, steps: &[Step]) -> Made<S> {
    let mut made = Made {
        writer: ImageWriter::new(sink),
        tree: Tree::new(Metadata { mode: 0o755, ..Metadata::default() }),
        files: HashMap::new(),
    };
    let mut dirs = vec![Tree::ROOT];
    let mut leaves = Vec::new();
    for step in steps {
        dirs.retain(|dir| made.tree.node(*dir).is_some());
        leaves.retain(|leaf| made.tree.node(*leaf).is_some());
        made.step(step, &mut dirs, &mut leaves);
    }
    made
}

impl<S: BlockSink> Made<S> {
    fn step(&mut self, step: &Step, dirs: &mut Vec<NodeId>, leaves: &mut Vec<NodeId>) {
        let dir = *step.dir.get(dirs);
        let name = Name::new(&step.name).unwrap();
        let leaf = match &step.kind {
            Kind::Directory => {
                if self.tree.lookup(dir, name).is_none() {
                    dirs.push(self.tree.add_directory(dir, name, step.metadata.clone()).unwrap());
                }
                return;
            }
            Kind::Link(target) if !leaves.is_empty() => {
                if self.tree.lookup(dir, name).is_none() {
                    self.tree.link(dir, name, *target.get(leaves)).unwrap();
                }
                return;
            }
            Kind::Remove | Kind::Link(_) => {
                self.tree.remove(dir, name).unwrap();
                return;
            }
            Kind::Regular { len, seed, slice } => {
                let data = bytes(*len, *seed);
                let content = self.write(&data, *slice);
                leaves.push(self.put_file(dir, name, &step.metadata, content, data));
                return;
            }
            Kind::Sparse { size, segments, seed } => {
                let (content, data) = self.write_sparse(*size, segments, *seed);
                leaves.push(self.put_file(dir, name, &step.metadata, content, data));
                return;
            }
            Kind::Symlink(target) => Leaf::Symlink(SymlinkTarget::new(target).unwrap()),
            Kind::Char(number) => Leaf::CharDevice(*number),
            Kind::Block(number) => Leaf::BlockDevice(*number),
            Kind::Fifo => Leaf::Fifo,
            Kind::Socket => Leaf::Socket,
        };
        leaves.push(self.tree.replace_leaf(dir, name, step.metadata.clone(), leaf).unwrap());
    }

    pub(super) fn write(&mut self, data: &[u8], slice: usize) -> FileContent {
        let mut file = self.writer.begin_file().unwrap();
        data.chunks(slice).for_each(|part| file.append(part).unwrap());
        file.finish().unwrap()
    }

    fn write_sparse(&mut self, size: u64, segments: &[Segment], seed: u8) -> (FileContent, Vec<u8>) {
        let mut whole = vec![0; size as usize];
        let plan = SparsePlan::new(size, segments.to_vec()).unwrap();
        let mut file = self.writer.begin_sparse_file(plan).unwrap();
        for segment in segments {
            let data = bytes(segment.len as usize, seed);
            file.append(&data).unwrap();
            whole[segment.offset as usize..][..data.len()].copy_from_slice(&data);
        }
        (file.finish().unwrap(), whole)
    }

    pub(super) fn put_file(
        &mut self,
        dir: NodeId,
        name: Name,
        metadata: &Metadata,
        content: FileContent,
        data: Vec<u8>,
    ) -> NodeId {
        let id = self.tree.replace_leaf(dir, name, metadata.clone(), Leaf::Regular(content)).unwrap();
        self.files.insert(id, data);
        id
    }
}
