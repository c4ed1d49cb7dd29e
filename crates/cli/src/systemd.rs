//! What systemd gives a service and is told by it. Elsewhere nothing is given, and telling does nothing.
//!
//! Both are a few lines over the standard library. Of the small libraries for them one tells no abstract socket and the other
//! knows no sockets' names; both read the environment alone, which tests cannot change safely.

mod notify;
mod sockets;

pub(crate) use notify::Notifier;
pub(crate) use sockets::{Activated, Listener, activated};
