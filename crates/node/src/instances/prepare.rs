//! Everything that the OCI runtime and the monitor will read: the configuration, the bound files, the record.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::termios::tcgetwinsize;

use super::mount_points::{check_system_directories, make_mount_points, make_working_dir};
use super::{InstanceSpec, Instances};
use crate::account::{self, Account};
use crate::cgroups;
use crate::config::{self, BoundFiles, ConfigInput, HostTraits, ProcessInput, Surroundings, SwapLimit};
use crate::layout::InstanceDir;
use crate::rootfs::{Command, Rootfs};
use crate::runtime::CommandFailure;
use crate::state::{self, Record};
use crate::{InstanceError, Network, RunOptions, RuntimeChoice, Signal};

/// Longest host file that is copied.
const LONGEST_HOST_FILE: usize = 1 << 20;

/// What this host and this runtime can do.
pub(super) fn host_traits(runtime: &RuntimeChoice) -> HostTraits {
    let unified = cgroups::are_unified();
    // libcontainer would need its eBPF part for the device rules of cgroup v2.
    let embedded = *runtime == RuntimeChoice::Embedded;
    HostTraits {
        unified_cgroups: unified,
        device_rules: !unified || !embedded,
        seccomp_mask_first: !embedded,
    }
}

/// libcontainer mounts the hierarchies of cgroups v1 writable; the installed runtimes do as they are told.
fn writable_hierarchies(runtime: &RuntimeChoice, host: HostTraits) -> Vec<String> {
    let embedded = *runtime == RuntimeChoice::Embedded;
    if embedded && !host.unified_cgroups { cgroups::v1_hierarchies() } else { Vec::new() }
}

/// What is known of an instance that is ready to be launched.
pub(super) struct Prepared {
    /// What is weaker than asked for.
    pub(super) warnings: Vec<String>,
    pub(super) command: String,
    /// Along which the command is looked for.
    pub(super) path: String,
}

impl Prepared {
    /// A runtime's refusal to start the command.
    pub(super) fn refused(&self, spec: &InstanceSpec, message: String) -> InstanceError {
        let error = |message| InstanceError::Runtime {
            action: "start",
            id: spec.id,
            runtime: spec.runtime.name(),
            message,
        };
        of_command(&self.command, &self.path, &message).unwrap_or_else(|| error(message))
    }
}

/// The error about the command that a runtime's message tells of.
pub(super) fn of_command(command: &str, path: &str, message: &str) -> Option<InstanceError> {
    Some(match CommandFailure::in_message(message)? {
        CommandFailure::Missing => InstanceError::CommandNotFound(command.to_owned(), path.to_owned()),
        CommandFailure::NotExecutable => InstanceError::CommandNotExecutable(command.to_owned()),
    })
}

impl Instances {
    /// Writes the instance's files.
    pub(super) fn prepare(&self, spec: &InstanceSpec, dir: &InstanceDir) -> Result<Prepared, InstanceError> {
        let id = spec.id;
        let options = &spec.options;
        let root = Rootfs::open(&dir.merged())
            .map_err(|source| InstanceError::ReadState { path: dir.merged(), source })?;
        check_system_directories(id, &root)?;
        let arguments = config::arguments(id, &spec.config, options)?;
        let hostname = config::hostname(options.hostname.as_deref().unwrap_or(spec.name.as_str()))?;
        let user = options.user.as_deref().or(spec.config.user.as_deref()).unwrap_or_default();
        let account =
            account::resolve(user, &root).map_err(|source| InstanceError::Account { id, source })?;
        let around = Surroundings { hostname, home: &account.home, terminal: options.terminal };
        let environment = config::environment(&spec.config, options, &around)?;
        let working_dir = config::working_dir(&spec.config, options.working_dir.as_deref())?;
        let inside = make_mount_points(&root, &options.volumes)?;
        make_working_dir(&root, &inside, &working_dir)?;
        // With volumes the command may come from outside of the image, and the runtime has the word.
        if options.volumes.is_empty() {
            check_command(&root, &arguments[0], &environment, &working_dir, &account)?;
        }
        let host = host_traits(&spec.runtime);
        let process = process_input(
            &arguments,
            &environment,
            &working_dir,
            &account,
            terminal_of(options.terminal),
            host,
        );
        let swap = options.memory.map_or(SwapLimit::None, |_| SwapLimit::of_host(host.unified_cgroups));
        let writable_hierarchies = writable_hierarchies(&spec.runtime, host);
        let shared = options.group.as_ref().filter(|group| group.shares_network);
        let network = shared.map(|group| self.layout.group(group.id).network());
        // Its group's network is not the host's.
        let sees = if network.is_some() { Network::None } else { options.network };
        let input = ConfigInput {
            id,
            options,
            network: network.as_deref(),
            process,
            hostname,
            files: BoundFiles { directory: dir.path() },
            host,
            swap,
            writable_hierarchies: &writable_hierarchies,
        };
        state::write_json(&dir.config(), &config::build(&input))?;
        write_bound_files(dir, hostname, sees)?;
        let record = self.record(spec, &input.process, user)?;
        state::write_json(&dir.record(), &record)?;
        let path = config::value_of(&record.environment, "PATH").unwrap_or_default().to_owned();
        Ok(Prepared { warnings: warnings(host, options, swap), command: arguments[0].clone(), path })
    }

    /// What later calls and the monitor must know of the instance.
    fn record(
        &self,
        spec: &InstanceSpec,
        process: &ProcessInput<'_>,
        user: &str,
    ) -> Result<Record, InstanceError> {
        let stop_signal = spec.config.stop_signal.as_deref().map_or(Ok(Signal::TERM), str::parse);
        Ok(Record {
            id: spec.id,
            name: spec.name.clone(),
            blobs: spec.blobs.clone(),
            options: spec.options.clone(),
            runtime: spec.runtime.clone(),
            self_exe: self.config.self_exe.clone(),
            stop_signal: stop_signal.map_err(InstanceError::StopSignal)?,
            size_limit: spec.size_limit,
            remove_on_exit: spec.remove_on_exit,
            environment: process.environment.to_vec(),
            working_dir: process.working_dir.to_owned(),
            user: user.to_owned(),
            device_rules: process.device_rules,
        })
    }
}

/// The size of this process's terminal, for a process that gets one as well.
pub(super) fn terminal_of(wanted: bool) -> Option<(u16, u16)> {
    let size = || tcgetwinsize(rustix::stdio::stdout()).or_else(|_| tcgetwinsize(rustix::stdio::stdin()));
    wanted.then(|| size().map_or((0, 0), |size| (size.ws_row, size.ws_col)))
}

pub(super) fn process_input<'a>(
    arguments: &'a [String],
    environment: &'a [String],
    working_dir: &'a str,
    account: &'a Account,
    terminal: Option<(u16, u16)>,
    host: HostTraits,
) -> ProcessInput<'a> {
    ProcessInput { arguments, environment, working_dir, account, terminal, device_rules: host.device_rules }
}

/// Runtimes say in their own words that a command is missing, and one of them only after the start: look first.
pub(super) fn check_command(
    root: &Rootfs,
    command: &str,
    environment: &[String],
    working_dir: &str,
    who: &Account,
) -> Result<(), InstanceError> {
    // What it holds depends on who looks.
    if command.starts_with("/proc/") {
        return Ok(());
    }
    let path = config::value_of(environment, "PATH").unwrap_or_default();
    let found = root
        .look_up(command, path, working_dir, who)
        .map_err(|source| InstanceError::WorkingDir { path: working_dir.to_owned(), source })?;
    match found {
        Command::Executable => Ok(()),
        Command::NotExecutable => Err(InstanceError::CommandNotExecutable(command.to_owned())),
        Command::Missing => Err(InstanceError::CommandNotFound(command.to_owned(), path.to_owned())),
    }
}

fn warnings(host: HostTraits, options: &RunOptions, swap: SwapLimit) -> Vec<String> {
    let no_devices = "the embedded runtime cannot enforce device rules under cgroup v2 alone, so the instance may neither \
                      make nor use device nodes besides the default ones; `--runtime runc` can";
    let no_swap_limit =
        "this kernel does not account for swap, so the instance's limit of memory does not hold for it";
    let unlimited = options.memory.is_some() && swap == SwapLimit::None && config::has_swap();
    let found = [(!host.device_rules, no_devices), (unlimited, no_swap_limit)];
    found.into_iter().filter(|(is, _)| *is).map(|(_, warning)| warning.to_owned()).collect()
}

fn write_bound_files(dir: &InstanceDir, hostname: &str, network: Network) -> Result<(), InstanceError> {
    let mut hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n".to_owned();
    hosts.push_str(&format!("127.0.1.1 {hostname}\n"));
    let mut resolv = String::new();
    if network == Network::Host {
        hosts.push_str(&host_file("/etc/hosts"));
        resolv = host_file("/etc/resolv.conf");
    }
    let contents = [resolv, format!("{hostname}\n"), hosts];
    for ((name, _), content) in BoundFiles::ALL.into_iter().zip(contents) {
        let path = dir.path().join(name);
        // Everybody in the container reads them, whatever the caller's umask is.
        fs::write(&path, content)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)))
            .map_err(|source| InstanceError::WriteState { path, source })?;
    }
    Ok(())
}

/// A host file's text; nothing where it is missing or unlikely long.
fn host_file(path: &str) -> String {
    fs::read_to_string(path).ok().filter(|text| text.len() <= LONGEST_HOST_FILE).unwrap_or_default()
}
