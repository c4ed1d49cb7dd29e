//! Where a page begins.

use std::fmt::Display;

use crate::{Order, Page};

/// The text behind which a page begins. Every id comes after the empty text and before `~`.
pub(super) fn after<Id: Display>(page: Page<Id>) -> String {
    let edge = match page.order {
        Order::OldestFirst => String::new(),
        Order::NewestFirst => "~".to_owned(),
    };
    page.after.map_or(edge, |id| id.to_string())
}
