//! Who is at the other end of a connection.

use std::net::SocketAddr;

/// Who is at the other end. The server loop puts it into each request; a request without one is a stranger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Somebody on the network.
    Tcp(SocketAddr),
    /// A process of this machine, as the kernel names it (`SO_PEERCRED`).
    Unix {
        /// Its effective user.
        uid: u32,
    },
    /// This very process.
    InProcess,
}

impl Peer {
    /// Whether it may do everything without a token: whoever can act on the data directory by himself.
    #[must_use]
    pub fn is_owner(self, own_uid: u32) -> bool {
        match self {
            Self::InProcess => true,
            Self::Unix { uid } => uid == 0 || uid == own_uid,
            Self::Tcp(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_the_server_itself_own_the_data() {
        assert!(Peer::Unix { uid: 0 }.is_owner(7) && Peer::Unix { uid: 7 }.is_owner(7));
        assert!(!Peer::Unix { uid: 8 }.is_owner(7));
        assert!(!Peer::Tcp("127.0.0.1:1".parse().unwrap()).is_owner(0));
    }
}
