//! This machine itself, of which nobody need be convinced.

use url::{Host, Url};

/// Whether what is sent there stays on this machine: `localhost`, 127.0.0.0/8 and `::1`. Go's clients (Docker, containerd) have the same
/// rule, by which they pass proxies.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_by_its_names() {
        for (url, expected) in [
            ("http://localhost:5000/v2/", true),
            ("http://127.8.0.1", true),
            ("https://[::1]:7070", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
            ("http://[2001:db8::1]", false),
            ("data:,", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
