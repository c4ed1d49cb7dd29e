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
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::kind_of;

/// The hidden subcommand: `imc internal-exec`, everything else by standard input.
const SUBCOMMAND: &str = "internal-exec";

/// Between the signal by which a command that takes too long is asked to end and the end of whoever runs it.
const GRACE: Duration = Duration::from_secs(5);

/// The most bytes of an order.
const ORDER_LIMIT: u64 = 4 << 20;

/// What the hidden subcommand is to do. By standard input, since the arguments of a process are seen by everyone.
#[derive(Serialize, Deserialize)]
struct Order {
    data_dir: PathBuf,
    instance: InstanceId,
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

/// Runs a command in an instance by a process of its own.
pub(super) async fn run(
    data_dir: &Path,
    instance: InstanceId,
    order: ExecOrder,
) -> Result<ExecOutput, HostError> {
    let report = ReportFile::new(data_dir);
    let document = serde_json::to_vec(&Order {
        data_dir: data_dir.to_owned(),
        instance,
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
    let mut child = command
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(system)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&document).await.map_err(system)?;
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let streams = async { tokio::join!(read(stdout, order.limit), read(stderr, order.limit)) };
    let (streams, ended) = tokio::join!(streams, wait(&mut child, order.patience));
    ended?;
    let ((stdout, cut_out), (stderr, cut_err)) = streams;
    let said = tokio::fs::read(&report.0).await.map_err(system)?;
    match serde_json::from_slice(&said).map_err(system)? {
        Report::Ended(status) => Ok(ExecOutput { status, stdout, stderr, is_cut: cut_out || cut_err }),
        Report::Failed { kind, message } => Err(HostError::new(kind, message)),
    }
}

/// Waits for the process; asks it to end after its time, which it hands on to the command.
async fn wait(child: &mut Child, patience: Duration) -> Result<(), HostError> {
    if let Ok(ended) = tokio::time::timeout(patience, child.wait()).await {
        return ended.map(drop).map_err(system);
    }
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It is ours and not waited for yet, so the number means no other.
        kill_process(pid, Signal::TERM).map_err(|errno| system(std::io::Error::from(errno)))?;
    }
    match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(ended) => ended.map(drop).map_err(system),
        Err(_) => {
            child.kill().await.map_err(system)?;
            let message =
                format!("the command did not end in {} s, nor when it was asked to", patience.as_secs());
            Err(HostError::new(HostErrorKind::State, message))
        }
    }
}

/// The beginning of a stream, and whether more came. It is read to its end: a full pipe would stop the command.
async fn read(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> (Vec<u8>, bool) {
    let Some(mut stream) = stream else { return (Vec::new(), false) };
    let (mut kept, mut is_cut, mut buffer) = (Vec::new(), false, vec![0; 16 << 10]);
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let room = length.min(limit - kept.len());
        kept.extend_from_slice(&buffer[..room]);
        is_cut |= room < length;
    }
    (kept, is_cut)
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
    let options = ExecOptions {
        command: order.command,
        env: order.env,
        working_dir: order.working_dir,
        user: order.user,
        terminal: false,
        interactive: false,
    };
    let config = NodeConfig { data_dir: order.data_dir, self_exe: PathBuf::from("/proc/self/exe") };
    let ended = Instances::open(config).and_then(|instances| instances.exec(order.instance, &options));
    let report = match ended {
        Ok(status) => Report::Ended(status),
        Err(error) => Report::Failed { kind: kind_of(error.kind()), message: chain(&error) },
    };
    std::fs::write(&order.report, serde_json::to_vec(&report)?)
}
