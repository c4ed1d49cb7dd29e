//! A command in an instance with its output captured. Whoever runs one is a child subreaper meanwhile, which a server must
//! not be: it is done by this same program in a process of its own.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use engine::{ExecOrder, ExecOutput, HostError, HostErrorKind, chain};
use model::{ExitStatus, InstanceId};
use node::{ExecOptions, Instances, NodeConfig};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::kind_of;

/// The hidden subcommand: `imc internal-exec`, everything else by standard input.
const SUBCOMMAND: &str = "internal-exec";

/// How long a command may go on that is asked to end, because it took too long or nobody reads what it writes. Then whoever
/// runs it kills it.
const GRACE: Duration = Duration::from_secs(5);
/// How long whoever runs the command may go on that was asked to end it. Longer than the grace: killed itself it would leave
/// the command running.
const LAST_PATIENCE: Duration = Duration::from_secs(15);
/// How long after the command's end what it wrote is read on. What it left running may keep its streams open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    Failed { kind: HostErrorKind, message: String },
}

fn system(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HostError {
    HostError::new(HostErrorKind::System, error)
}

/// Runs a command in an instance by a process of its own. Dropped before its end, the command is ended.
pub(super) async fn run(
    data_dir: &Path,
    instance: InstanceId,
    order: ExecOrder,
) -> Result<ExecOutput, HostError> {
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
    let (stdout, stderr) = captured(child, order.patience, order.limit).await?;
    let said = tokio::fs::read(&report.0).await.map_err(system)?;
    match serde_json::from_slice(&said).map_err(system)? {
        Report::Ended(status) => Ok(ExecOutput {
            status,
            is_cut: stdout.is_cut || stderr.is_cut,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
        }),
        Report::Failed { kind, message } => Err(HostError::new(kind, message)),
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

/// Waits for a process, and keeps the beginnings of what it writes meanwhile to standard output and standard error.
async fn captured(child: &mut Child, patience: Duration, limit: usize) -> Result<(Kept, Kept), HostError> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Kept::default(), Kept::default());
    let is_whole = {
        let reading = async { tokio::join!(stdout.read(out, limit), stderr.read(err, limit)) };
        let mut reading = std::pin::pin!(reading);
        let mut waiting = std::pin::pin!(wait(child, patience));
        let mut is_whole = false;
        loop {
            tokio::select! {
                ended = &mut waiting => break ended?,
                _ = &mut reading, if !is_whole => is_whole = true,
            }
        }
        is_whole || tokio::time::timeout(LAST_WORDS, reading).await.is_ok()
    };
    stdout.is_cut |= !is_whole;
    Ok((stdout, stderr))
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

/// The beginning of a stream, and whether more came, or might have.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Kept {
    /// Reads to the end: a full pipe would stop the command. Dropped in the middle it has kept what came.
    async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>, limit: usize) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 16 << 10];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            let room = length.min(limit - self.bytes.len());
            self.bytes.extend_from_slice(&buffer[..room]);
            self.is_cut |= room < length;
        }
    }
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
        Err(error) => Report::Failed { kind: kind_of(error.kind()), message: chain(&error) },
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

    #[tokio::test]
    async fn the_beginning_of_each_stream_is_kept() {
        let mut child = shell("printf abcdef; printf abcd >&2");
        let (stdout, stderr) = captured(&mut child, LONG, 4).await.unwrap();
        assert_eq!((stdout.bytes.as_slice(), stdout.is_cut), (b"abcd".as_slice(), true));
        assert_eq!((stderr.bytes.as_slice(), stderr.is_cut), (b"abcd".as_slice(), false));
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_is_not_waited_for() {
        let mut child = shell("sleep 1000 & echo $!");
        let (stdout, stderr) = captured(&mut child, LONG, 100).await.unwrap();
        let left: i32 = String::from_utf8(stdout.bytes).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).unwrap();
        assert!(stdout.is_cut, "more might have come");
        assert_eq!(stderr.bytes, b"");
    }
}
