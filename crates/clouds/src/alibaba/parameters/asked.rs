//! For tests: which parameters were asked for, so that the table of parameters can be held against the parsers.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// `Container.3.Port.1.Port` as the table has it: `Container.N.Port.M.Port`.
pub(in crate::alibaba) fn pattern(name: &str) -> String {
    let mut letters = ["N", "M", "O"].into_iter();
    let parts = name.split('.').map(|part| match part.parse::<u32>() {
        Ok(_) => letters.next().unwrap(),
        Err(_) => part,
    });
    parts.collect::<Vec<_>>().join(".")
}

pub(super) fn note(name: &str) {
    ASKED.with_borrow_mut(|asked| asked.insert(pattern(name)));
}

/// What was asked for on this thread since the last call.
pub(in crate::alibaba) fn take() -> BTreeSet<String> {
    ASKED.take()
}
