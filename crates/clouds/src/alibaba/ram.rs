//! Who may do what: permissions in the words of Alibaba's RAM, as pure functions.
//!
//! An operation names an action (`eci:CreateImageCache`) and resources (`acs:eci:REGION:ACCOUNT:imagecache/ID`). A policy is a list of
//! statements; one that denies wins over all that allow, and what none allows is denied.

mod document;
mod names;
mod pattern;

use model::Tags;

pub use document::{FULL_ACCESS, LONGEST_DOCUMENT, PolicyError, READ_ONLY};
pub use names::{AccessRequest, access_requests};
pub use pattern::Pattern;

use super::error::Denial;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It permits.
    Allow,
    /// It forbids, whatever others permit.
    Deny,
}

/// The condition key `eci:tag`: the resource has this tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCondition {
    /// The key.
    pub key: String,
    /// The values that fit; any where there is none.
    pub values: Vec<String>,
}

impl TagCondition {
    fn fits(&self, tags: &Tags) -> bool {
        tags.get(&self.key)
            .is_some_and(|value| self.values.is_empty() || self.values.iter().any(|known| known == value))
    }
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it does.
    pub effect: Effect,
    /// To which actions, `eci:Describe*`.
    pub actions: Vec<Pattern>,
    /// To which resources, `acs:eci:*:*:imagecache/*`.
    pub resources: Vec<Pattern>,
    /// To resources with these tags alone, all of them.
    pub tags: Vec<TagCondition>,
}

impl Statement {
    /// Whether it speaks of this action on this resource. A request on all of a kind (`imagecache/*`) is one on each of them: what is
    /// denied of one resource does not deny it, and what is allowed of one does not allow it.
    fn covers(&self, action: &str, resource: &str, tags: &Tags) -> bool {
        self.actions.iter().any(|pattern| pattern.matches_any_case(action))
            && self.resources.iter().any(|pattern| pattern.matches(resource))
            && self.tags.iter().all(|condition| condition.fits(tags))
    }
}

/// What an access key may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its statements, in any order. Without one, nothing is allowed.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// Everything, in both clouds' interfaces: [`FULL_ACCESS`].
    #[must_use]
    pub fn full_access() -> Self {
        Self::allowing(&["eci:*", "tke:*"])
    }

    /// Looking at everything, changing nothing, in both clouds' interfaces: [`READ_ONLY`].
    #[must_use]
    pub fn read_only() -> Self {
        Self::allowing(&["eci:Describe*", "eci:List*", "tke:Describe*", "tke:Get*"])
    }

    fn allowing(actions: &[&str]) -> Self {
        let actions = actions.iter().map(|action| Pattern::new(action)).collect();
        let resources = vec![Pattern::new("*")];
        Self { statements: vec![Statement { effect: Effect::Allow, actions, resources, tags: Vec::new() }] }
    }

    /// Decides on an action on one resource that has these tags (for a creation: will have).
    ///
    /// # Errors
    /// The denial, with whether a statement denies it or none allows it.
    pub fn decide(&self, action: &str, resource: &str, tags: &Tags) -> Result<(), Denial> {
        let covered = |effect| {
            let mut of_effect = self.statements.iter().filter(|statement| statement.effect == effect);
            of_effect.any(|statement| statement.covers(action, resource, tags))
        };
        let denied = |is_explicit| Err(Denial { action: action.to_owned(), is_explicit });
        match (covered(Effect::Deny), covered(Effect::Allow)) {
            (true, _) => denied(true),
            (false, false) => denied(false),
            (false, true) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
