//! Sockets that systemd listens on for the service: the protocol of sd_listen_fds(3).

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

use crate::exit::Failure;

/// The first descriptor that is given.
const FIRST: RawFd = 3;
/// No unit has more sockets.
const MOST: usize = 256;
/// What to do where they are not as they should be.
const ADVICE: &str = "check the socket unit (`systemctl cat imc.socket`), or start the service without it";

/// A socket that systemd listens on for us.
#[derive(Debug)]
pub(crate) struct Activated {
    /// Its name in the socket unit (`FileDescriptorName=`), by default the unit's own; empty where none was given.
    pub(crate) name: String,
    /// The socket, which does not block and is not passed on to other programs.
    pub(crate) listener: Listener,
}

/// A socket by what connects to it.
#[derive(Debug)]
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
}

/// The sockets that were given to this process, in the socket unit's order; none where it was not started by one. They are
/// given once: another call finds none. To be called before anything opens files of its own.
pub(crate) fn activated() -> Result<Vec<Activated>, Failure> {
    static GIVEN: AtomicBool = AtomicBool::new(false);
    if GIVEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let given = given(|name| std::env::var_os(name), std::process::id())?;
    let own = |(fd, name): (RawFd, String)| Ok(Activated { listener: listener(adopt(fd)?, &name)?, name });
    given.into_iter().map(own).collect()
}

/// Which descriptors are ours, and their names.
fn given(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Result<Vec<(RawFd, String)>, Failure> {
    let text = |name| {
        variable(name).filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned())
    };
    // Inherited from a parent that they were meant for.
    if text("LISTEN_PID").and_then(|meant| meant.parse().ok()) != Some(pid) {
        return Ok(Vec::new());
    }
    let count = text("LISTEN_FDS").unwrap_or_else(|| "0".to_owned());
    let wrong = |what: String| {
        Failure::configuration(format!("failed to take the sockets of systemd: {what}"), ADVICE)
    };
    let number = count.parse().ok().filter(|number| *number <= MOST);
    let number = number.ok_or_else(|| wrong(format!("LISTEN_FDS is `{count}`, expected 0 to {MOST}")))?;
    let names: Vec<String> = match text("LISTEN_FDNAMES") {
        Some(names) => names.split(':').map(ToOwned::to_owned).collect(),
        None => vec![String::new(); number],
    };
    if names.len() != number {
        return Err(wrong(format!("LISTEN_FDNAMES has {} names for {number} sockets", names.len())));
    }
    Ok((FIRST..).zip(names).collect())
}

/// Makes a descriptor that systemd gave ours.
#[allow(
    unsafe_code,
    reason = "the descriptor's number comes from the environment; no safe call turns one into its owner"
)]
fn adopt(fd: RawFd) -> Result<OwnedFd, Failure> {
    let failed = |error: rustix::io::Errno| {
        let message = format!("failed to take the socket {fd} of systemd: {error}");
        Failure::configuration(message, ADVICE)
    };
    // SAFETY: borrowed for these two calls alone, which fail where it is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let flags = fcntl_getfd(borrowed).map_err(failed)?;
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC).map_err(failed)?;
    // SAFETY: it is open, as was just seen. systemd gave it to this process, by its id, to own; nothing else here does, since
    // `activated` takes each once, before anything opens files.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The socket by its kind. One that nobody listens on, or of another kind, is refused.
fn listener(fd: OwnedFd, name: &str) -> Result<Listener, Failure> {
    let refused = |what: String| {
        Failure::configuration(format!("failed to listen on the socket `{name}` of systemd: {what}"), ADVICE)
    };
    let seen =
        || Ok::<_, rustix::io::Errno>((socket_domain(&fd)?, socket_type(&fd)?, socket_acceptconn(&fd)?));
    let (domain, kind, listens) = seen().map_err(|error| refused(error.to_string()))?;
    if kind != SocketType::STREAM || !listens {
        return Err(refused("it accepts no connections; expected `ListenStream=`".to_owned()));
    }
    let listener = match domain {
        AddressFamily::INET | AddressFamily::INET6 => {
            let tcp = TcpListener::from(fd);
            tcp.set_nonblocking(true).map(|()| Listener::Tcp(tcp))
        }
        AddressFamily::UNIX => {
            let unix = UnixListener::from(fd);
            unix.set_nonblocking(true).map(|()| Listener::Unix(unix))
        }
        _ => return Err(refused("it is neither a TCP nor a unix socket".to_owned())),
    };
    listener.map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd as _;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn given_by(variables: &[(&str, &str)]) -> Result<Vec<(RawFd, String)>, Failure> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        given(|name| find(name).map(|(_, value)| (*value).into()), 42)
    }

    #[test]
    fn descriptors_are_counted_from_three_and_named() {
        let named =
            given_by(&[("LISTEN_PID", "42"), ("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", "imc.socket:admin")]);
        assert_eq!(named.unwrap(), [(3, "imc.socket".to_owned()), (4, "admin".to_owned())]);
        let nameless = given_by(&[("LISTEN_PID", "42"), ("LISTEN_FDS", "1")]);
        assert_eq!(nameless.unwrap(), [(3, String::new())]);
        assert_eq!(given_by(&[("LISTEN_PID", "42")]).unwrap(), []);
    }

    #[test]
    fn those_of_another_process_are_left_alone() {
        for pid in ["43", "", "-1", "x", "99999999999"] {
            let given = given_by(&[("LISTEN_PID", pid), ("LISTEN_FDS", "1")]);
            assert_eq!(given.unwrap(), [], "{pid}");
        }
        assert_eq!(given_by(&[("LISTEN_FDS", "1")]).unwrap(), []);
    }

    #[test]
    fn nonsense_is_refused() {
        for (count, names) in
            [("x", ""), ("-1", ""), ("257", ""), ("4294967296", ""), ("2", "only"), ("1", "a:b")]
        {
            let given = given_by(&[("LISTEN_PID", "42"), ("LISTEN_FDS", count), ("LISTEN_FDNAMES", names)]);
            assert_eq!(given.unwrap_err().kind, "configuration", "{count} {names}");
        }
    }

    #[test]
    fn sockets_are_told_apart_and_do_not_block() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let Ok(Listener::Tcp(tcp)) = listener(tcp.into(), "tcp") else { panic!("not TCP") };
        assert_eq!(tcp.local_addr().unwrap(), address);
        assert_eq!(tcp.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        let folder = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let Ok(Listener::Unix(unix)) = listener(unix.into(), "unix") else { panic!("not a unix socket") };
        assert_eq!(unix.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }

    #[test]
    fn what_accepts_no_connections_is_refused_by_its_name() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        for (fd, name) in [
            (UnixDatagram::unbound().unwrap().into(), "datagram"),
            (one.into(), "stream"),
            (file.into(), "file"),
        ] {
            let failure = listener(fd, name).unwrap_err();
            assert!(failure.message.contains(&format!("`{name}`")), "{failure:?}");
        }
    }

    #[test]
    fn an_open_descriptor_is_adopted_and_not_passed_on() {
        let unix = UnixDatagram::unbound().unwrap();
        fcntl_setfd(&unix, FdFlags::empty()).unwrap();
        let fd = adopt(unix.into_raw_fd()).unwrap();
        assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
        // Far over what this process has open.
        let failure = adopt(1_000_000).unwrap_err();
        assert!(failure.message.contains("socket 1000000"), "{failure:?}");
    }
}
