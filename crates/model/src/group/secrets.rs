//! What of a group no record shows.

use std::collections::BTreeMap;
use std::fmt;

use crate::ContainerName;

/// What only the containers of a group may read, and who owns it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GroupSecrets {
    /// The variables of each container: names and values, in order.
    pub environment: BTreeMap<ContainerName, Vec<(String, String)>>,
    /// The contents of the files of each volume, by the volume's place, in the order of the wish.
    pub files: BTreeMap<usize, Vec<Vec<u8>>>,
}

impl GroupSecrets {
    /// Whether there is nothing to keep secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.environment.values().all(Vec::is_empty) && self.files.is_empty()
    }
}

impl fmt::Debug for GroupSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupSecrets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_shown_in_a_log() {
        let mut secrets = GroupSecrets::default();
        assert!(secrets.is_empty());
        secrets.environment.insert("main".parse().unwrap(), vec![("KEY".into(), "hidden-1".into())]);
        secrets.files.insert(0, vec![b"hidden-2".to_vec()]);
        assert!(!secrets.is_empty());
        assert_eq!(format!("{secrets:?}"), "GroupSecrets { .. }");
    }
}
