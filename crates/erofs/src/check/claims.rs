//! Who lies on which bytes of the image.

use super::Problem;
use crate::format::superblock::{DEVICE_SLOT_SIZE, OFFSET, SIZE, Superblock};

#[derive(Debug, Default)]
pub(super) struct Claims {
    claims: Vec<Claim>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    start: u64,
    end: u64,
    /// The inode; the superblock has none.
    owner: Option<u64>,
    /// Data may be shared run by run.
    is_data: bool,
}

impl Claims {
    pub(super) fn head(&mut self, superblock: &Superblock) {
        let (start, end) = (OFFSET as u64, (OFFSET + SIZE) as u64);
        self.claims.push(Claim { start, end, owner: None, is_data: false });
        if superblock.extra_devices > 0 {
            let slot = DEVICE_SLOT_SIZE as u64;
            let start = u64::from(superblock.device_slot) * slot;
            let end = start + u64::from(superblock.extra_devices) * slot;
            self.claims.push(Claim { start, end, owner: None, is_data: false });
        }
    }

    pub(super) fn metadata(&mut self, owner: u64, start: u64, end: u64) {
        self.claims.push(Claim { start, end, owner: Some(owner), is_data: false });
    }

    pub(super) fn data(&mut self, owner: u64, start: u64, end: u64) {
        self.claims.push(Claim { start, end, owner: Some(owner), is_data: true });
    }

    /// Every claim that begins inside an earlier one.
    pub(super) fn overlaps(&mut self) -> impl Iterator<Item = Problem> {
        self.claims.sort_unstable();
        let mut widest: Option<Claim> = None;
        self.claims.iter().filter_map(move |claim| {
            let before = widest.replace(match widest {
                Some(before) if before.end >= claim.end => before,
                _ => *claim,
            })?;
            let is_shared =
                before.is_data && claim.is_data && (before.start, before.end) == (claim.start, claim.end);
            let overlaps = claim.start < before.end && !is_shared;
            overlaps.then_some(Problem::Overlap {
                first: before.owner,
                second: claim.owner,
                offset: claim.start,
            })
        })
    }
}
