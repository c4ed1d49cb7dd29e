//! A command in an instance with its output handed over as it comes. Whoever runs one is a child subreaper meanwhile, which a server must
//! not be: it is done by this same program in a process of its own.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use engine::{ExecEnd, ExecOrder, HostError, HostErrorKind, HostOption, LineStream, Printed, chain};
use model::{ExitStatus, InstanceId};
use node::{ExecOptions, Instances, NodeConfig};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{kind_of, option_of};

/// The hidden subcommand: `imc internal-exec`, everything else by standard input.
const SUBCOMMAND: &str = "internal-exec";

/// How long a command may go on that is asked to end, because it took too long or nobody reads what it writes. Then whoever
/// runs it kills it.
const GRACE: Duration = Duration::from_secs(5);
/// How long whoever runs the command may go on that was asked to end it. Longer than the grace: killed itself it would leave
/// the command running.
const LAST_PATIENCE: Duration = Duration::from_secs(15);
/// How long after the command's end further output is waited for. What it left running may keep its streams open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The most of a stream that is read after the command's end: more than a pipe holds was written by what it left running.
const LAST_BYTES: usize = 1 << 20;

/// The most bytes of an order.
const ORDER_LIMIT: u64 = 4 << 20;

/// What the hidden subcommand is to do. By standard input, since the arguments of a process are seen by everyone.
#[derive(Serialize, Deserialize)]
struct Order {
    data_dir: PathBuf,
    instance: InstanceId,
    /// The process that asks for it. Where that goes, the command does.
    asker: u32,
    /// Where it says how that went: its own streams are the command's.
    report: PathBuf,
    command: Vec<String>,
    env: Vec<String>,
    working_dir: Option<String>,
    user: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Report {
    Ended(ExitStatus),
    Failed { kind: HostErrorKind, option: Option<HostOption>, message: String },
}

fn system(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HostError {
    HostError::new(HostErrorKind::System, error)
}

/// Runs a command in an instance by a process of its own. Dropped before its end, the command is ended.
pub(super) async fn run(
    data_dir: &Path,
    instance: InstanceId,
    order: ExecOrder,
    to: Sender<Printed>,
) -> Result<ExecEnd, HostError> {
    let report = ReportFile::new(data_dir);
    let document = serde_json::to_vec(&Order {
        data_dir: data_dir.to_owned(),
        instance,
        asker: std::process::id(),
        report: report.0.clone(),
        command: order.command,
        env: order.env,
        working_dir: order.working_dir,
        user: order.user,
    })
    .map_err(system)?;
    let mut command = Command::new("/proc/self/exe");
    for secret in node::SECRETS {
        command.env_remove(secret);
    }
    command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut runner = Runner(Some((command.spawn().map_err(system)?, report)));
    let (child, report) = runner.0.as_mut().expect("its drop alone takes it");
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&document).await.map_err(system)?;
    }
    let is_whole = handed_over(child, order.patience, &to).await?;
    let said = tokio::fs::read(&report.0).await.map_err(system)?;
    match serde_json::from_slice(&said).map_err(system)? {
        Report::Ended(status) => Ok(ExecEnd { status, is_cut: !is_whole }),
        Report::Failed { kind, option, message } => Err(HostError::new(kind, message).about(option)),
    }
}

/// Whoever runs a command, and where it is to say how that went. Dropped before its end, it is asked to end the command.
struct Runner(Option<(Child, ReportFile)>);

impl Drop for Runner {
    fn drop(&mut self) {
        let Some((mut child, report)) = self.0.take() else { return };
        if !ask_to_end(&child).unwrap_or(true) {
            return;
        }
        // It ends by itself after the grace. Where the runtime ends first, so does this process, and it hears of that.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = last_wait(&mut child).await {
                tracing::warn!(error = chain(&error), "a command that nobody reads could not be ended");
            }
            drop(report);
        });
    }
}

/// Asks whoever runs a command to end it; false where it has ended and was waited for.
fn ask_to_end(child: &Child) -> Result<bool, HostError> {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
        return Ok(false);
    };
    // It is ours and not waited for yet, so the number means no other.
    kill_process(pid, Signal::TERM).map_err(|errno| system(std::io::Error::from(errno)))?;
    Ok(true)
}

/// Waits for the end of whoever was asked to end a command; false where it had to be killed.
async fn last_wait(child: &mut Child) -> Result<bool, HostError> {
    match tokio::time::timeout(LAST_PATIENCE, child.wait()).await {
        Ok(ended) => ended.map(|_| true).map_err(system),
        Err(_) => child.kill().await.map(|()| false).map_err(system),
    }
}

/// Waits for a process, and hands over what it writes meanwhile to standard output and standard error; false where more may
/// come.
async fn handed_over(child: &mut Child, patience: Duration, to: &Sender<Printed>) -> Result<bool, HostError> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = CancellationToken::new();
    let waiting = async {
        let waited = wait(child, patience).await;
        ended.cancel();
        waited
    };
    let (waited, out, err) = tokio::join!(
        waiting,
        hand_over(out, LineStream::Stdout, to, &ended),
        hand_over(err, LineStream::Stderr, to, &ended)
    );
    waited.map(|()| out && err)
}

/// Hands a stream over to its end, or to what there is of it when the command has ended; false for that.
async fn hand_over(
    from: Option<impl AsyncRead + Unpin>,
    stream: LineStream,
    to: &Sender<Printed>,
    ended: &CancellationToken,
) -> bool {
    let Some(mut from) = from else { return true };
    let mut buffer = vec![0; 16 << 10];
    let mut rest = LAST_BYTES;
    while rest > 0 {
        let read = from.read(&mut buffer);
        let length = match ended.is_cancelled() {
            true => match tokio::time::timeout(LAST_WORDS, read).await {
                Ok(length) => length,
                Err(_) => return false,
            },
            false => tokio::select! {
                biased;
                length = read => length,
                () = ended.cancelled() => continue,
            },
        };
        let Ok(length @ 1..) = length else { return true };
        if ended.is_cancelled() {
            rest = rest.saturating_sub(length);
        }
        // Read on also where nobody listens: a full pipe would stop the command.
        let _ = to.send(Printed { stream, bytes: buffer[..length].to_vec() }).await;
    }
    false
}

/// Waits for the process; asks it to end after its time, which it hands on to the command.
async fn wait(child: &mut Child, patience: Duration) -> Result<(), HostError> {
    if let Ok(ended) = tokio::time::timeout(patience, child.wait()).await {
        return ended.map(drop).map_err(system);
    }
    ask_to_end(child)?;
    if last_wait(child).await? {
        return Ok(());
    }
    let message = format!("the command did not end in {} s, nor when it was asked to", patience.as_secs());
    Err(HostError::new(HostErrorKind::State, message))
}

/// A file for one report, removed with this.
struct ReportFile(PathBuf);

impl ReportFile {
    fn new(data_dir: &Path) -> Self {
        // The id is fresh, so nobody else has the name.
        Self(data_dir.join("tmp").join(format!("exec-{}.json", model::LeaseId::generate())))
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        // What is left in this directory is swept with the next collection.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs the hidden subcommand if the arguments name it. Call it before any thread.
pub(crate) fn dispatch_internal(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    (arguments.nth(1)? == SUBCOMMAND).then(|| match execute() {
        Ok(()) => ExitCode::SUCCESS,
        // Its caller finds no report.
        Err(_) => ExitCode::FAILURE,
    })
}

fn execute() -> std::io::Result<()> {
    let mut document = Vec::new();
    std::io::stdin().lock().take(ORDER_LIMIT).read_to_end(&mut document)?;
    let order: Order = serde_json::from_slice(&document)?;
    die_with(order.asker)?;
    let options = ExecOptions {
        command: order.command,
        env: order.env,
        working_dir: order.working_dir,
        user: order.user,
        terminal: false,
        interactive: false,
        grace: Some(GRACE),
    };
    let config = NodeConfig { data_dir: order.data_dir, self_exe: PathBuf::from("/proc/self/exe") };
    let ended = Instances::open(config).and_then(|instances| instances.exec(order.instance, &options));
    let report = match ended {
        Ok(status) => Report::Ended(status),
        Err(error) => {
            let (kind, option) = (kind_of(error.kind()), option_of(&error));
            Report::Failed { kind, option, message: chain(&error) }
        }
    };
    std::fs::write(&order.report, serde_json::to_vec(&report)?)
}

/// From now on the end of the process that asked is a wish to end. It is the end of one thread of it, in fact: of the one that
/// made this process, which of a server lives as long as its runtime.
fn die_with(asker: u32) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    match parent == Some(asker) {
        true => Ok(()),
        // It went before it could be heard of.
        false => Err(std::io::ErrorKind::BrokenPipe.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).spawn().unwrap()
    }

    /// What came by a stream.
    fn of(stream: LineStream, printed: &[Printed]) -> Vec<u8> {
        let own = printed.iter().filter(|printed| printed.stream == stream);
        own.flat_map(|printed| printed.bytes.iter().copied()).collect()
    }

    async fn run(script: &str) -> (bool, Vec<Printed>) {
        let mut child = shell(script);
        let (to, mut from) = tokio::sync::mpsc::channel(1);
        let printing = async {
            let is_whole = handed_over(&mut child, LONG, &to).await.unwrap();
            drop(to);
            is_whole
        };
        let taking = async {
            let mut all = Vec::new();
            while let Some(printed) = from.recv().await {
                all.push(printed);
            }
            all
        };
        tokio::join!(printing, taking)
    }

    #[tokio::test]
    async fn all_of_each_stream_comes_however_slowly_it_is_taken() {
        let (is_whole, printed) = run("printf abc >&2; head -c 300000 /dev/zero; printf end").await;
        assert!(is_whole);
        assert_eq!(of(LineStream::Stderr, &printed), b"abc");
        let out = of(LineStream::Stdout, &printed);
        assert_eq!((out.len(), &out[300_000..]), (300_003, b"end".as_slice()));
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_is_not_waited_for() {
        let (is_whole, printed) = run("sleep 1000 & echo $!").await;
        let left = String::from_utf8(of(LineStream::Stdout, &printed)).unwrap();
        kill_process(Pid::from_raw(left.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
        assert!(!is_whole, "more might have come");
    }
}
