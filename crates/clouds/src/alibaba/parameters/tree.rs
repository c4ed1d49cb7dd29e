//! Flattened parameters, put together again: `Container.1.Port.2.Port=80`.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Deeper names are of no operation: the deepest has six parts (`Container.N.SecurityContext.Capability.Add.M`). The bound also
/// limits what a hostile name can nest.
const DEEPEST: usize = 8;

/// A parameter with what lies below its name.
#[derive(Default)]
pub(in crate::alibaba) struct Tree {
    value: Option<String>,
    below: BTreeMap<String, Self>,
}

impl Tree {
    /// Puts pairs together. Names that are too deep are left out, as unknown ones are.
    pub(in crate::alibaba) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut root = Self::default();
        for (name, value) in pairs {
            let name = mended(name);
            if name.split('.').count() > DEEPEST {
                continue;
            }
            let leaf =
                name.split('.').fold(&mut root, |tree, part| tree.below.entry(part.to_owned()).or_default());
            leaf.value = Some(value.to_owned());
        }
        root
    }

    /// What was said of the name itself.
    pub(super) fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What lies below a part of a name.
    pub(super) fn below(&self, part: &str) -> Option<&Self> {
        self.below.get(part)
    }

    /// Whether anything lies below.
    pub(super) fn has_parts(&self) -> bool {
        !self.below.is_empty()
    }

    /// What lies below as a list: the numbered parts by number. Gaps are no matter; what is not numbered is unknown.
    pub(super) fn items(&self) -> Vec<(u32, &Self)> {
        let mut items: Vec<_> =
            self.below.iter().filter_map(|(part, tree)| Some((index(part)?, tree))).collect();
        items.sort_unstable_by_key(|(index, _)| *index);
        items
    }
}

/// The number of a list's part, from 1, in the one way that it is written.
fn index(part: &str) -> Option<u32> {
    let plain = part.bytes().all(|byte| byte.is_ascii_digit()) && !part.starts_with('0');
    plain.then(|| part.parse().ok()).flatten()
}

/// The older Python SDK leaves a dot out: `AcrRegistryInfo.1Domain.1`.
fn mended(name: &str) -> Cow<'_, str> {
    let split = || {
        let (number, domain) = name.strip_prefix("AcrRegistryInfo.")?.split_once("Domain.")?;
        index(number)?;
        Some(format!("AcrRegistryInfo.{number}.Domain.{domain}"))
    };
    split().map_or(Cow::Borrowed(name), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree<'a>(pairs: &[(&'a str, &'a str)]) -> Tree {
        Tree::of(pairs.iter().copied())
    }

    #[test]
    fn lists_are_sorted_by_number_and_gaps_are_no_matter() {
        let tree = tree(&[
            ("Image.10", "c"),
            ("Image.2", "b"),
            ("Image.1", "a"),
            ("Image.01", "x"),
            ("Image.0", "y"),
        ]);
        let image = tree.below("Image").unwrap();
        let items: Vec<_> = image.items().into_iter().map(|(at, tree)| (at, tree.value().unwrap())).collect();
        assert_eq!(items, [(1, "a"), (2, "b"), (10, "c")]);
    }

    #[test]
    fn the_missing_dot_is_put_in() {
        assert_eq!(mended("AcrRegistryInfo.1Domain.2"), "AcrRegistryInfo.1.Domain.2");
        for sound in [
            "AcrRegistryInfo.1.Domain.2",
            "AcrRegistryInfo.Domain.2",
            "Acr.1Domain.2",
            "AcrRegistryInfo.xDomain.1",
        ] {
            assert_eq!(mended(sound), sound);
        }
    }

    #[test]
    fn a_name_has_a_value_and_parts_at_once_and_too_deep_ones_go() {
        let tree = tree(&[("a", "1"), ("a.b", "2"), ("1.2.3.4.5.6.7.8.9", "deep")]);
        assert_eq!(tree.below("a").unwrap().value(), Some("1"));
        assert_eq!(tree.below("a").unwrap().below("b").unwrap().value(), Some("2"));
        assert!(tree.below("1").is_none());
    }
}
