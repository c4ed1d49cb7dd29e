//! Events in memory.

use model::{Event, Subject, Timestamp};

use super::Records;
use crate::{EVENTS_PER_SUBJECT, rules};

impl Records {
    pub(super) fn append(&mut self, events: &[Event]) {
        for event in events {
            let event = Event { message: rules::kept(&event.message), ..event.clone() };
            let known = self.events.entry(event.subject).or_default();
            if known.iter_mut().any(|known| rules::is_counted(known, &event)) {
                continue;
            }
            known.push(event);
            if known.len() > EVENTS_PER_SUBJECT as usize {
                let rank =
                    |index: &usize| (!known[*index].reason.is_of_a_layer(), known[*index].last, *index);
                let oldest = (0..known.len()).min_by_key(rank);
                known.remove(oldest.expect("more than none"));
            }
        }
    }

    /// Its events, by when they last happened.
    pub(super) fn events_of(&self, subject: Subject) -> Vec<Event> {
        let mut events = self.events.get(&subject).cloned().unwrap_or_default();
        events.sort_by_key(|event| event.last);
        events
    }

    fn is_there(&self, subject: Subject) -> bool {
        match subject {
            Subject::Cache(id) => self.caches.contains_key(&id),
            Subject::Instance(id) => self.instances.contains_key(&id),
            Subject::Group(id) => self.groups.contains_key(&id),
        }
    }

    pub(super) fn forget_events(&mut self, before: Timestamp) -> u64 {
        let mut forgotten = 0;
        let gone: Vec<Subject> =
            self.events.keys().copied().filter(|subject| !self.is_there(*subject)).collect();
        for subject in gone {
            let events = self.events.entry(subject).or_default();
            let had = events.len();
            events.retain(|event| event.last >= before);
            forgotten += (had - events.len()) as u64;
            if events.is_empty() {
                self.events.remove(&subject);
            }
        }
        let events = &self.events;
        self.departed.retain(|subject, _| events.contains_key(subject));
        forgotten
    }
}
