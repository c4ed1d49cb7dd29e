//! Lists of registries, as the clouds write them.
//!
//! Source: Alibaba ECI, `PlainHttpRegistry` and `InsecureRegistry` of `CreateImageCache`: comma-separated `host[:port]`.

use std::collections::BTreeSet;
use std::str::FromStr;

use model::{ReferenceError, RegistryHost};
use url::Url;

use crate::wire::host_of;

/// A set of registries. A host with a port and the same host without are two different entries: the port must be given
/// exactly when the image reference has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostList(BTreeSet<RegistryHost>);

/// A list entry that is not a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the registry list entry `{entry}`")]
pub struct HostListError {
    entry: String,
    #[source]
    source: ReferenceError,
}

impl HostList {
    /// Whether that registry, as written in the image reference, is listed.
    #[must_use]
    pub fn contains(&self, host: &RegistryHost) -> bool {
        self.0.contains(host)
    }

    /// Whether the server of that address is listed.
    pub(crate) fn has_url(&self, url: &Url) -> bool {
        host_of(url).parse().is_ok_and(|host| self.contains(&host))
    }

    /// Adds a registry.
    pub fn insert(&mut self, host: RegistryHost) {
        self.0.insert(host);
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The registries in order.
    pub fn iter(&self) -> impl Iterator<Item = &RegistryHost> {
        self.0.iter()
    }
}

impl FromIterator<RegistryHost> for HostList {
    fn from_iter<I: IntoIterator<Item = RegistryHost>>(hosts: I) -> Self {
        Self(hosts.into_iter().collect())
    }
}

impl FromStr for HostList {
    type Err = HostListError;

    /// Reads `host,ip:5000,host:80`; literal double quotes around the list or an entry, blanks and empty entries are
    /// dropped.
    fn from_str(text: &str) -> Result<Self, HostListError> {
        let bare = |entry: &str| entry.trim_matches(|c: char| c == '"' || c.is_whitespace()).to_owned();
        text.split(',')
            .map(bare)
            .filter(|entry| !entry.is_empty())
            .map(|entry| entry.parse().map_err(|source| HostListError { entry, source }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> RegistryHost {
        text.parse().unwrap()
    }

    #[test]
    fn the_whole_list_may_stand_in_double_quotes() {
        let list: HostList =
            "\"harbor.example.com, 192.168.0.5:5000,harbor.example.com:80\"".parse().unwrap();
        assert_eq!(list.iter().count(), 3);
        assert!(list.contains(&host("192.168.0.5:5000")));
    }

    #[test]
    fn the_port_is_part_of_the_entry() {
        let list: HostList = "a.example.com,b.example.com:5000,".parse().unwrap();
        assert!(list.contains(&host("a.example.com")));
        assert!(!list.contains(&host("a.example.com:443")));
        assert!(!list.contains(&host("b.example.com")));
    }

    #[test]
    fn an_address_is_listed_by_its_host_and_a_port_that_is_not_its_schemes() {
        let list: HostList = "a.example.com,b.example.com:5000,[::1]:80".parse().unwrap();
        let has = |text: &str| list.has_url(&text.parse().unwrap());
        assert!(
            has("http://a.example.com/x?y")
                && has("http://a.example.com:80")
                && has("https://b.example.com:5000")
        );
        assert!(
            !has("http://a.example.com:5000")
                && !has("http://b.example.com")
                && !has("file:///a.example.com")
        );
    }

    #[test]
    fn an_entry_that_is_no_host_is_named() {
        let error = "fine.io,http://x".parse::<HostList>().unwrap_err();
        assert!(error.to_string().contains("`http://x`"), "{error}");
    }
}
