//! The address by which this machine reaches others, and is reached.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses of nobody's: only the default route leads there. Nothing is sent. Source: RFC 5737 and RFC 3849.
const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
/// The discard service.
const PORT: u16 = 9;

/// This machine's primary address: what packets by the default route come from, else the first global address that an
/// interface has, else that of loopback. IPv4 goes first.
pub(crate) fn primary() -> IpAddr {
    source_towards(FAR_V4)
        .or_else(|| source_towards(FAR_V6))
        .or_else(|| first_v4(&fs::read_to_string("/proc/net/fib_trie").ok()?))
        .or_else(|| first_v6(&fs::read_to_string("/proc/net/if_inet6").ok()?))
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The kernel's choice for packets that go there; `None` where no route leads there.
fn source_towards(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if far.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(far, PORT)).ok()?;
    let source = socket.local_addr().ok()?.ip();
    (!source.is_unspecified() && !source.is_loopback()).then_some(source)
}

/// Source: the kernel's net/ipv4/fib_trie.c: an address stands in a line before those of its routes, and one of this machine
/// has a route `/32 host LOCAL`.
fn first_v4(table: &str) -> Option<IpAddr> {
    let mut last = None;
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL"
            && let Some(address) = last.filter(|one| !one.is_loopback() && !one.is_link_local())
        {
            return Some(address.into());
        }
    }
    None
}

/// Source: proc_pid_net(5), `/proc/net/if_inet6`: the address, the interface's number, the length of the prefix, the scope (00 is
/// global), flags, the interface's name.
fn first_v6(table: &str) -> Option<IpAddr> {
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        (fields.nth(2)? == "00").then(|| IpAddr::V6(Ipv6Addr::from_bits(address)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_of_an_interface_is_found() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 127.0.0.1\n        \
            /32 host LOCAL\n     |-- 169.254.3.4\n        /32 host LOCAL\n     |-- 10.0.0.0\n        /24 link UNICAST\n     \
            |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";
        assert_eq!(first_v4(table), Some("10.0.0.5".parse().unwrap()));
        assert_eq!(first_v4("Main:\n     |-- 127.0.0.1\n        /32 host LOCAL\n"), None);
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n\
            fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n\
            fd000000000000000000000000000002 04 40 00 82     eth0\n";
        assert_eq!(first_v6(table), Some("fd00::2".parse().unwrap()));
        assert_eq!(first_v6("00000000000000000000000000000001 01 80 10 80 lo\n"), None);
    }

    #[test]
    fn every_machine_has_one() {
        assert!(!primary().is_unspecified());
        assert_eq!(primary(), primary());
        assert_eq!(
            source_towards(Ipv4Addr::LOCALHOST.into()),
            None,
            "who asks itself hears nothing of its address"
        );
    }
}
