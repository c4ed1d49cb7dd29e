//! What the verbs decide, apart from where the records are: the same for every metastore.

mod admission;
mod answers;
mod builds;
mod caches;
mod groups;
mod instances;

pub(crate) use admission::{RememberedRequest, are_same, could_make_room, is_repeated, room};
pub(crate) use answers::{RememberedAnswer, begin_answer};
pub(crate) use builds::{
    Waiting, begin_build, cancel_build, claim_build, end_waiting, fail_build, finish_build, has_beaten,
    is_unfinished, take_build, unwanted, whose_turn,
};
pub(crate) use caches::{
    check_build_of, check_new_cache, deletion_asked, edited, has_copies, lost, named_snapshots, rolled_back,
    used, was_checked, without_generations,
};
pub(crate) use groups::{is_finished, snapshot_of, stepped, to_be_deleted};
pub(crate) use instances::{
    check_new_instance, check_own_snapshot, check_removal, instance_exited, instance_started,
};

use model::{BuildFailure, CacheState, Event, ImageCache, Timestamp};

use crate::{ChangeNumber, Error, LayerRecord, Result};

/// The longest message of an event or a failure, or label of a token, in bytes. Longer ones are cut.
const MESSAGE_LIMIT: usize = 4096;

/// Microseconds of an hour.
const HOUR: i64 = 3600 * 1_000_000;

/// A message as it is kept: bounded, and without NUL, which not every database holds. Every word of somebody else's is kept so,
/// in every metastore, so that what a verb returns is what is recorded.
pub(crate) fn kept(message: &str) -> String {
    // Bounded before, so that little is copied, and again, since what replaces a NUL is longer.
    let kept = bounded(message).replace('\0', "\u{fffd}");
    bounded(&kept).to_owned()
}

fn kept_failure(failure: &BuildFailure) -> BuildFailure {
    BuildFailure { reason: kept(&failure.reason), message: kept(&failure.message) }
}

/// Cuts a message at a character's end.
fn bounded(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// One step of the cache's life.
fn step(cache: &mut ImageCache, to: CacheState, now: Timestamp) -> Result<()> {
    let id = cache.id;
    cache.state = cache.state.step(to).map_err(|source| Error::Transition { cache: id, source })?;
    cache.updated = now;
    Ok(())
}

/// Whether a record of a served digest agrees with the one that is there.
pub(crate) fn check_layer(known: &LayerRecord, layer: &LayerRecord) -> Result<()> {
    if known.diff_id == layer.diff_id {
        return Ok(());
    }
    let why =
        format!("{} is {} by an earlier record and {} by this one", layer.blob, known.diff_id, layer.diff_id);
    Err(Error::Conflict { object: "layer", why })
}

/// Counts an event, its message as it is [`kept`], where an equal one is; `false` where none is.
pub(crate) fn is_counted(known: &mut Event, event: &Event) -> bool {
    let equal = known.kind == event.kind && known.reason == event.reason && known.message == event.message;
    if equal {
        known.first = known.first.min(event.first);
        known.last = known.last.max(event.last);
        known.count = known.count.saturating_add(event.count);
    }
    equal
}

/// When a verb wrote: where it is told no time, with its newest event, or else when the record last changed.
pub(crate) fn written(now: Option<Timestamp>, events: &[Event], record: Timestamp) -> Timestamp {
    now.or_else(|| events.iter().map(|event| event.last).max()).unwrap_or(record)
}

/// Whether the changes behind `after` are all there, where those up to `forgotten` were dropped. A number that was never given
/// is of other records than these.
pub(crate) fn are_changes_whole(after: ChangeNumber, forgotten: ChangeNumber, newest: ChangeNumber) -> bool {
    (forgotten..=newest).contains(&after)
}

/// The hour in which a token was used: finer is not kept, so that not every request writes.
pub(crate) fn hour_of(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.as_micros().div_euclid(HOUR) * HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(MESSAGE_LIMIT);
        assert_eq!(bounded(&long).len(), MESSAGE_LIMIT);
        let odd = format!("x{long}");
        assert_eq!(bounded(&odd).len(), MESSAGE_LIMIT - 1);
        assert_eq!(bounded("short"), "short");
    }

    #[test]
    fn nul_is_replaced_and_the_bound_kept() {
        assert_eq!(kept("a\0b\0"), "a\u{fffd}b\u{fffd}");
        let many = kept(&"\0".repeat(MESSAGE_LIMIT));
        assert_eq!(many, "\u{fffd}".repeat(MESSAGE_LIMIT / 3));
        assert_eq!(kept(&many), many, "kept once is kept for good");
    }

    #[test]
    fn an_hour_begins_before_what_lies_in_it() {
        for (micros, hour) in [(0, 0), (HOUR - 1, 0), (HOUR, HOUR), (-1, -HOUR)] {
            assert_eq!(hour_of(Timestamp::from_micros(micros)), Timestamp::from_micros(hour));
        }
    }
}
