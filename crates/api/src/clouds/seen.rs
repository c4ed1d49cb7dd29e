//! Which calls have come before: what makes a call one of a kind is remembered for as long as it could come again.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use model::Timestamp;

/// The most marks of one access key. Who makes more than these within the time is put off: forgetting one would let it come again.
const MOST_OF_A_KEY: usize = 1_000_000;
/// The most marks of all keys.
const MOST: usize = 4_000_000;
/// A client may give calls of one second one mark, and they come one after the other.
const MOMENT_MICROS: u64 = 3_000_000;
/// Marks are forgotten a minute's worth at a time.
const MICROS_OF_A_MINUTE: i64 = 60_000_000;

/// What is known of a call's mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is new, and remembered from now on.
    New,
    /// It came before with the same meaning, or with another one a moment ago.
    Same,
    /// It came before with another meaning, and no client would still send that.
    Other,
    /// Nothing more can be remembered of this key for now.
    Full,
}

/// The marks of calls, by access key. Marks and meanings are kept as hashes under a key of this process, 24 bytes a call: that two
/// marks of half an hour are taken for one is a matter of one in trillions.
///
/// Each server remembers its own calls.
#[derive(Default)]
pub(super) struct SeenCalls {
    hasher: RandomState,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    by_key: HashMap<String, OfKey>,
    count: usize,
}

/// What a mark meant when it came first, and when that was.
type First = (u64, Timestamp);

/// Marks by the minute in which they may be forgotten.
#[derive(Default)]
struct OfKey {
    minutes: BTreeMap<i64, HashMap<u64, First>>,
    count: usize,
}

impl OfKey {
    /// Forgets what cannot come again, and says how much that was.
    fn forget(&mut self, now: i64) -> usize {
        let kept = self.minutes.split_off(&now);
        let gone = std::mem::replace(&mut self.minutes, kept);
        let gone = gone.values().map(HashMap::len).sum();
        self.count -= gone;
        gone
    }
}

impl SeenCalls {
    /// Notes a call that has a mark, means something, and is refused as too old after `until`.
    pub(super) fn note(
        &self,
        key: &str,
        mark: &str,
        meaning: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Mark {
        let (mark, meaning) = (self.hasher.hash_one(mark), self.hasher.hash_one(meaning));
        let minute = |time: Timestamp| time.as_micros().div_euclid(MICROS_OF_A_MINUTE);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = &mut *keys;
        if keys.count >= MOST {
            let forgotten: usize = keys.by_key.values_mut().map(|of_key| of_key.forget(minute(now))).sum();
            keys.count -= forgotten;
            keys.by_key.retain(|_, of_key| of_key.count > 0);
        }
        let of_key = keys.by_key.entry(key.to_owned()).or_default();
        keys.count -= of_key.forget(minute(now));
        if let Some(before) = of_key.minutes.values().find_map(|marks| marks.get(&mark)) {
            let (before, first) = *before;
            let is_same = before == meaning || now.micros_since(first) < MOMENT_MICROS;
            return if is_same { Mark::Same } else { Mark::Other };
        }
        if of_key.count >= MOST_OF_A_KEY || keys.count >= MOST {
            return Mark::Full;
        }
        of_key.minutes.entry(minute(until)).or_default().insert(mark, (meaning, now));
        of_key.count += 1;
        keys.count += 1;
        Mark::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_mark_is_known_until_it_cannot_come_again() {
        let seen = SeenCalls::default();
        let note = |key: &str, mark: &str, now| seen.note(key, mark, "", at(now + 900), at(now));
        assert_eq!(note("a", "n", 0), Mark::New);
        assert_eq!(note("a", "n", 1), Mark::Same);
        // Signed later, with the same mark: not new either.
        assert_eq!(note("a", "n", 600), Mark::Same);
        assert_eq!(note("b", "n", 1), Mark::New);
        assert_eq!(note("a", "n", 900), Mark::Same);
        assert_eq!(note("a", "n", 961), Mark::New, "its minute is over");
    }

    #[test]
    fn a_mark_with_another_meaning_is_told_apart_but_for_a_moment() {
        let seen = SeenCalls::default();
        let note = |meaning: &str, now| seen.note("a", "s", meaning, at(300), at(now));
        assert_eq!(
            [note("read", 0), note("read", 9), note("delete", 9)],
            [Mark::New, Mark::Same, Mark::Other]
        );
        let seen = SeenCalls::default();
        let note = |meaning: &str, now| seen.note("a", "s", meaning, at(300), at(now));
        assert_eq!(
            [note("read", 0), note("delete", 2), note("delete", 3)],
            [Mark::New, Mark::Same, Mark::Other]
        );
    }

    #[test]
    fn what_is_forgotten_makes_room() {
        let seen = SeenCalls::default();
        for call in 0..1000 {
            assert_eq!(seen.note("a", &call.to_string(), "", at(60), at(0)), Mark::New);
        }
        assert_eq!(seen.keys.lock().unwrap().count, 1000);
        assert_eq!(seen.note("a", "later", "", at(300), at(200)), Mark::New);
        assert_eq!(seen.keys.lock().unwrap().count, 1);
    }
}
