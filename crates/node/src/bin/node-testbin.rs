//! A stand-in for the `imc` program in this crate's tests: the hidden subcommands, and just enough of `run` and `exec`
//! for tests that need a process of their own around an instance.
//!
//! `node-testbin run FILE` and `node-testbin exec FILE`, where FILE holds a JSON object.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use model::{ByteSize, ExitStatus, ImageConfig, InstanceId, InstanceName};
use node::{
    Attachment, ExecOptions, ImageBlobs, InstanceError, InstanceErrorKind, InstanceSpec, Instances,
    NodeConfig, RunOptions, RuntimeChoice,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Run {
    data_dir: PathBuf,
    id: InstanceId,
    name: InstanceName,
    config: ImageConfig,
    blobs: ImageBlobs,
    options: RunOptions,
    size_limit: Option<ByteSize>,
    remove_on_exit: bool,
    runtime: RuntimeChoice,
    attached: bool,
    /// Where to write the pid and the timings to.
    report: PathBuf,
}

#[derive(Deserialize)]
struct Exec {
    data_dir: PathBuf,
    id: InstanceId,
    command: Vec<String>,
    env: Vec<String>,
    working_dir: Option<String>,
    user: Option<String>,
    terminal: bool,
    interactive: bool,
    #[serde(default)]
    grace_ms: Option<u64>,
}

fn main() -> ExitCode {
    if let Some(code) = node::dispatch_internal(std::env::args_os()) {
        return code;
    }
    let mut arguments = std::env::args().skip(1);
    let answer = match (arguments.next().as_deref(), arguments.next()) {
        (Some("run"), Some(file)) => run(&file),
        (Some("exec"), Some(file)) => exec(&file),
        (Some("/linger"), _) => return linger(),
        _ => return ExitCode::from(64),
    };
    match answer {
        Ok(status) => ExitCode::from(status.as_exit_code()),
        Err(error) => {
            let _ = std::fs::write("/dev/stderr", format!("{}\n", chain(&error)));
            ExitCode::from(match error.kind() {
                InstanceErrorKind::CommandNotFound => 127,
                InstanceErrorKind::CommandNotExecutable => 126,
                _ => 125,
            })
        }
    }
}

/// As the interpreter of a script `/linger` in a container: says so and stays until its input ends.
fn linger() -> ExitCode {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), b"lingers\n");
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ExitCode::SUCCESS
}

fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|source| format!(": {}", chain(source)));
    format!("{error}{}", cause.unwrap_or_default())
}

fn read<T: for<'de> Deserialize<'de>>(file: &str) -> T {
    let text = std::fs::read(file).expect("the test wrote the file");
    serde_json::from_slice(&text).expect("the test wrote the object")
}

fn instances(data_dir: PathBuf) -> Result<Instances, InstanceError> {
    Instances::open(NodeConfig { data_dir, self_exe: PathBuf::from("/proc/self/exe") })
}

fn run(file: &str) -> Result<ExitStatus, InstanceError> {
    let run: Run = read(file);
    let spec = InstanceSpec {
        id: run.id,
        name: run.name,
        config: run.config,
        blobs: run.blobs,
        options: run.options,
        size_limit: run.size_limit,
        remove_on_exit: run.remove_on_exit,
        runtime: run.runtime,
    };
    let attachment = if run.attached { Attachment::Caller } else { Attachment::Log };
    let started = instances(run.data_dir)?.create_and_start(&spec, attachment)?;
    let t = started.timings;
    let report = serde_json::json!({
        "pid": started.pid, "layers_us": t.layers_us, "overlay_us": t.overlay_us, "config_us": t.config_us,
        "runtime_us": t.runtime_us, "upper_limit": format!("{:?}", started.upper_limit),
        "warnings": started.warnings,
    });
    let partial = run.report.with_extension("partial");
    std::fs::write(&partial, report.to_string()).expect("the test's folder is there");
    std::fs::rename(&partial, &run.report).expect("the test's folder is there");
    if run.attached { started.session.attach() } else { Ok(ExitStatus::Code(0)) }
}

fn exec(file: &str) -> Result<ExitStatus, InstanceError> {
    let exec: Exec = read(file);
    let options = ExecOptions {
        command: exec.command,
        env: exec.env,
        working_dir: exec.working_dir,
        user: exec.user,
        terminal: exec.terminal,
        interactive: exec.interactive,
        grace: exec.grace_ms.map(Duration::from_millis),
    };
    instances(exec.data_dir)?.exec(exec.id, &options)
}
