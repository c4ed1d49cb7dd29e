//! All layers that something indexed has, each by a number.
//!
//! Matching and the counting of shared bytes ask for the same layers, millions of them, in indexes of their own for each account.
//! So fingerprint, size and place in the table are kept here, once; whoever has a layer names it by its number. What is kept
//! here says nothing of whose a layer is: that is in the account's own index.

mod narrow;

use model::DiffId;

use crate::match_index::{Fingerprint, Fingerprints, Numbers};
use narrow::Narrow;

/// Layers by number and by fingerprint. A number is a layer's own while a snapshot or an account's index has it.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    keys: Fingerprints,
    numbers: Numbers,
    /// Bytes of each one's blob.
    sizes: Narrow<u32>,
    /// How many snapshots have each.
    snapshots: Narrow<u8>,
    /// How many accounts' indexes have each.
    accounts: Narrow<u8>,
}

/// Who has a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holder {
    /// A snapshot.
    Snapshot,
    /// The index of an account.
    Account,
}

impl Layers {
    /// What the fingerprints of all indexes are made with.
    pub(crate) fn keys(&self) -> &Fingerprints {
        &self.keys
    }

    /// How many numbers there are, free ones included.
    pub(crate) fn span(&self) -> usize {
        self.numbers.span()
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn find(&self, fingerprint: Fingerprint) -> Option<u32> {
        self.numbers.find(fingerprint)
    }

    /// The same by its digest.
    pub(crate) fn find_digest(&self, layer: DiffId) -> Option<u32> {
        self.find(self.keys.of_digest(layer.digest()))
    }

    /// The number of a layer, made where there is none. The size said last counts. Nobody has it by that.
    pub(crate) fn intern(&mut self, fingerprint: Fingerprint, size: u64) -> u32 {
        let id = self.numbers.intern(fingerprint);
        self.sizes.set(id, size);
        id
    }

    /// Bytes of its blob.
    pub(crate) fn size(&self, id: u32) -> u64 {
        self.sizes.get(id)
    }

    /// How many snapshots have it.
    pub(crate) fn snapshots(&self, id: u32) -> u64 {
        self.snapshots.get(id)
    }

    /// One more has it.
    pub(crate) fn hold(&mut self, id: u32, holder: Holder) {
        let counts = self.counts(holder);
        counts.set(id, counts.get(id) + 1);
    }

    /// One less has it. A layer that nobody has goes.
    pub(crate) fn release(&mut self, id: u32, holder: Holder) {
        let counts = self.counts(holder);
        counts.set(id, counts.get(id).saturating_sub(1));
        if self.snapshots.get(id) > 0 || self.accounts.get(id) > 0 {
            return;
        }
        self.numbers.remove(id);
    }

    /// Gives back memory that was taken in advance.
    pub(crate) fn shrink(&mut self) {
        self.numbers.shrink();
        self.sizes.shrink();
        self.snapshots.shrink();
        self.accounts.shrink();
    }

    fn counts(&mut self, holder: Holder) -> &mut Narrow<u8> {
        match holder {
            Holder::Snapshot => &mut self.snapshots,
            Holder::Account => &mut self.accounts,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Digest;

    use super::*;

    #[test]
    fn a_number_stays_while_anybody_has_it_and_is_used_again() {
        let mut layers = Layers::default();
        let of = |layers: &Layers, name: &str| layers.keys().of_digest(&Digest::sha256(name.as_bytes()));
        let one = of(&layers, "one");
        let id = layers.intern(one, 10);
        layers.hold(id, Holder::Snapshot);
        layers.hold(id, Holder::Account);
        layers.release(id, Holder::Snapshot);
        assert_eq!((layers.find(one), layers.size(id), layers.snapshots(id)), (Some(id), 10, 0));
        layers.release(id, Holder::Account);
        assert_eq!((layers.find(one), layers.len()), (None, 0));
        let two = of(&layers, "two");
        assert_eq!(layers.intern(two, 5 << 32), id);
        assert_eq!((layers.size(id), layers.span()), (5 << 32, 1));
    }
}
