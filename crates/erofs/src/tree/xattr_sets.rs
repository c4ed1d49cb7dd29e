//! Each distinct set of xattrs once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Xattrs;

/// Position of a set; the first is the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct XattrSetId(u32);

#[derive(Debug)]
pub(super) struct XattrSets {
    sets: Vec<Arc<Xattrs>>,
    known: HashMap<Arc<Xattrs>, XattrSetId>,
}

impl XattrSets {
    pub(super) fn new() -> Self {
        Self { sets: vec![Arc::default()], known: HashMap::new() }
    }

    pub(super) fn intern(&mut self, xattrs: Xattrs) -> XattrSetId {
        if xattrs.is_empty() {
            return XattrSetId(0);
        }
        if let Some(id) = self.known.get(&xattrs) {
            return *id;
        }
        // One set per call at most, and nodes are fewer than 2^32; metadata set again and again could pass that.
        let id = XattrSetId(u32::try_from(self.sets.len()).expect("memory ends before 2^32 sets"));
        let shared = Arc::new(xattrs);
        self.sets.push(Arc::clone(&shared));
        self.known.insert(shared, id);
        id
    }

    pub(super) fn get(&self, id: XattrSetId) -> &Xattrs {
        &self.sets[id.0 as usize]
    }
}
