//! Telling systemd how the service is: the protocol of sd_notify(3).

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use crate::exit::Failure;

/// How long a state that is told once waits for room in systemd's queue. Those that are told again do not wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells systemd how the service is. What cannot be told is logged: the service goes on.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// As the environment says: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` where `WATCHDOG_PID` is none or ours.
    pub(crate) fn of_environment() -> Result<Self, Failure> {
        Self::of(|name| std::env::var_os(name), std::process::id())
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Result<Self, Failure> {
        let Some(address) = variable("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
            return Ok(Self::default());
        };
        let connected = connect(address.as_bytes()).map_err(|error| {
            Failure::system(format_args!("reach systemd at {}", address.to_string_lossy()), &error)
        })?;
        let number = |name| variable(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
        let is_ours = number("WATCHDOG_PID").is_none_or(|watched| watched == u64::from(pid));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| is_ours && *usec > 0);
        Ok(Self { socket: Some(connected), watchdog: watchdog.map(Duration::from_micros) })
    }

    /// Requests are answered from now on.
    pub(crate) fn ready(&self, status: &str) {
        self.tell("READY=1", Some(status), SendFlags::empty());
    }

    /// What the service does now, in a line.
    pub(crate) fn status(&self, status: &str) {
        self.tell("", Some(status), SendFlags::DONTWAIT);
    }

    /// It ends, and finishes what is under way.
    pub(crate) fn stopping(&self, status: &str) {
        self.tell("STOPPING=1", Some(status), SendFlags::empty());
    }

    /// It lives.
    pub(crate) fn alive(&self) {
        self.tell("WATCHDOG=1", None, SendFlags::DONTWAIT);
    }

    /// How often to say that it lives: twice in the time after which it is taken for dead. Nothing where nobody watches.
    pub(crate) fn alive_interval(&self) -> Option<Duration> {
        self.watchdog.map(|time| time / 2)
    }

    fn tell(&self, state: &str, status: Option<&str>, flags: SendFlags) {
        let Some(socket) = &self.socket else { return };
        // A line break would begin another assignment.
        let status = status.map(|text| format!("STATUS={}", text.replace(char::is_control, " ")));
        let lines: Vec<&str> = [state, status.as_deref().unwrap_or_default()]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        if let Err(error) = send(socket, lines.join("\n").as_bytes(), flags) {
            tracing::warn!(%error, state, "failed to tell systemd");
        }
    }
}

/// A path, or with `@` the name of an abstract socket.
fn connect(address: &[u8]) -> std::io::Result<UnixDatagram> {
    let address = match address {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(Path::new(std::ffi::OsStr::from_bytes(address)))?,
        _ => {
            return Err(std::io::Error::new(
                std::io::ErrorKind::Unsupported,
                "it is neither a path nor abstract",
            ));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(receiver: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let length = receiver.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn notifier(variables: &[(&str, &str)]) -> Result<Notifier, Failure> {
        let variables: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let get =
            |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        Notifier::of(get, 42)
    }

    #[test]
    fn states_arrive_at_a_socket_with_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let notifier = notifier(&[("NOTIFY_SOCKET", path.to_str().unwrap())]).unwrap();
        notifier.ready("serving");
        notifier.status("two\nMAINPID=1");
        notifier.stopping("");
        notifier.alive();
        assert_eq!(told(&receiver), "READY=1\nSTATUS=serving");
        assert_eq!(told(&receiver), "STATUS=two MAINPID=1");
        assert_eq!(told(&receiver), "STOPPING=1\nSTATUS=");
        assert_eq!(told(&receiver), "WATCHDOG=1");
        assert_eq!(notifier.alive_interval(), None);
    }

    #[test]
    fn states_arrive_at_an_abstract_socket() {
        let name = format!("imc-notify-test-{}", std::process::id());
        let receiver = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        notifier(&[("NOTIFY_SOCKET", &format!("@{name}"))]).unwrap().alive();
        assert_eq!(told(&receiver), "WATCHDOG=1");
    }

    #[test]
    fn a_watchdog_counts_for_its_own_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _receiver = UnixDatagram::bind(&path).unwrap();
        let interval = |more: &[(&str, &str)]| {
            let given =
                [&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "3000000")], more].concat();
            notifier(&given).unwrap().alive_interval()
        };
        assert_eq!(interval(&[]), Some(Duration::from_millis(1500)));
        assert_eq!(interval(&[("WATCHDOG_PID", "42")]), Some(Duration::from_millis(1500)));
        assert_eq!(interval(&[("WATCHDOG_PID", "43")]), None);
    }

    #[test]
    fn without_systemd_nothing_is_told_and_what_is_no_socket_is_refused() {
        notifier(&[]).unwrap().ready("serving");
        notifier(&[("NOTIFY_SOCKET", "")]).unwrap().alive();
        for wrong in ["vsock:2:1", "relative", "/nowhere/notify"] {
            let failure = notifier(&[("NOTIFY_SOCKET", wrong)]).unwrap_err();
            assert!(failure.message.contains(wrong), "{failure:?}");
        }
    }

    /// A systemd that reads nothing keeps no service waiting.
    #[test]
    fn a_full_queue_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _receiver = UnixDatagram::bind(&path).unwrap();
        let notifier = notifier(&[("NOTIFY_SOCKET", path.to_str().unwrap())]).unwrap();
        for _ in 0..10_000 {
            notifier.alive();
        }
    }
}
