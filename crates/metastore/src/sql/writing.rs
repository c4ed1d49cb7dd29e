//! A verb that writes: what is known of it before it begins, and what it has done so far.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use model::{AccountId, Event, ImageCache, Subject, Timestamp};

use super::changes::Touch;
use super::{Connection, Held};

/// What is known of a writing verb before it begins.
#[derive(Clone, Copy)]
pub(in super::super) struct Verb<'a> {
    pub(in super::super) action: &'static str,
    /// Whether a power loss leaves it done.
    pub(in super::super) is_durable: bool,
    pub(in super::super) events: &'a [Event],
    pub(in super::super) now: Option<Timestamp>,
}

impl<'a> Verb<'a> {
    /// One that a power loss does not undo.
    pub(super) fn durable(action: &'static str, events: &'a [Event], now: Option<Timestamp>) -> Self {
        Self { action, is_durable: true, events, now }
    }

    /// One that a power loss may undo.
    pub(super) fn quick(action: &'static str, events: &'a [Event], now: Option<Timestamp>) -> Self {
        Self { action, is_durable: false, events, now }
    }
}

/// A writing verb, begun.
pub(in super::super) struct Writing {
    held: Held,
    /// The records that it has written so far.
    pub(super) touched: BTreeMap<Subject, Touch>,
    /// By how many the caches of a place became more or fewer. Written at the end, where verbs come one after the other: else
    /// each would wait for whoever has counted in the same place.
    pub(super) counts: BTreeMap<Place, i64>,
}

/// What caches are counted by: account, origin, state, and whether their deletion was asked for.
pub(super) type Place = (AccountId, &'static str, &'static str, bool);

impl Writing {
    /// On what is begun.
    pub(in super::super) fn on(held: Held) -> Self {
        Self { held, touched: BTreeMap::new(), counts: BTreeMap::new() }
    }

    /// What it was begun on.
    pub(in super::super) fn into_held(self) -> Held {
        self.held
    }

    /// Counts a cache once more where it is now, or once less.
    pub(super) fn count(&mut self, cache: &ImageCache, by: i64) {
        let place =
            (cache.account.clone(), cache.origin.as_str(), cache.state.as_str(), cache.deleting.is_some());
        *self.counts.entry(place).or_default() += by;
    }
}

impl Deref for Writing {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.held
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.held
    }
}
