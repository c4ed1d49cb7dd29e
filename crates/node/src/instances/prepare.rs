//! Everything that the OCI runtime and the monitor will read: the configuration, the bound files, the record.

use std::fs;
use std::path::Path;

use rustix::fs::statfs;
use rustix::termios::tcgetwinsize;

use super::{InstanceSpec, Instances};
use crate::account::{self, Account};
use crate::cgroups;
use crate::config::{self, BoundFiles, ConfigInput, HostTraits, ProcessInput, Surroundings};
use crate::layout::InstanceDir;
use crate::rootfs::{Command, Rootfs};
use crate::state::{self, Record};
use crate::{InstanceError, Network, RunOptions, RuntimeChoice, Signal};

/// Source: the kernel's include/uapi/linux/magic.h.
const CGROUP2_MAGIC: u64 = 0x6367_7270;
/// Longest host file that is copied.
const LONGEST_HOST_FILE: usize = 1 << 20;

/// What this host and this runtime can do.
pub(super) fn host_traits(runtime: &RuntimeChoice) -> HostTraits {
    let unified =
        statfs("/sys/fs/cgroup").is_ok_and(|found| u64::try_from(found.f_type) == Ok(CGROUP2_MAGIC));
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

impl Instances {
    /// Writes the instance's files; returns what is weaker than asked for.
    pub(super) fn prepare(
        &self,
        spec: &InstanceSpec,
        dir: &InstanceDir,
    ) -> Result<Vec<String>, InstanceError> {
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
        root.make_directories(Path::new(&working_dir))
            .map_err(|source| InstanceError::WorkingDir { path: working_dir.clone(), source })?;
        check_command(&root, options, &arguments[0], &environment, &working_dir)?;
        let host = host_traits(&spec.runtime);
        let process = process_input(
            &arguments,
            &environment,
            &working_dir,
            &account,
            terminal_of(options.terminal),
            host,
        );
        let writable_hierarchies = writable_hierarchies(&spec.runtime, host);
        let input = ConfigInput {
            id,
            options,
            process,
            hostname,
            files: BoundFiles { directory: dir.path() },
            host,
            writable_hierarchies: &writable_hierarchies,
        };
        state::write_json(&dir.config(), &config::build(&input))?;
        write_bound_files(dir, hostname, options.network)?;
        let stop_signal = spec.config.stop_signal.as_deref().map_or(Ok(Signal::TERM), str::parse);
        let record = Record {
            id,
            name: spec.name.clone(),
            blobs: spec.blobs.clone(),
            options: options.clone(),
            runtime: spec.runtime.clone(),
            self_exe: self.config.self_exe.clone(),
            stop_signal: stop_signal.map_err(InstanceError::StopSignal)?,
            size_limit: spec.size_limit,
            remove_on_exit: spec.remove_on_exit,
            environment,
            working_dir,
            user: user.to_owned(),
            device_rules: host.device_rules,
        };
        state::write_json(&dir.record(), &record)?;
        Ok(warnings(host))
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

/// Where the image has a symlink, a runtime that makes devices or links by path reaches what it leads to on the host. What
/// lies below is covered by the mounts on these.
fn check_system_directories(id: model::InstanceId, root: &Rootfs) -> Result<(), InstanceError> {
    for path in ["/proc", "/dev", "/sys"] {
        let plain = root
            .is_plain_directory_or_missing(path)
            .map_err(|source| InstanceError::ReadState { path: path.into(), source })?;
        if !plain {
            return Err(InstanceError::SystemDirectory { id, path });
        }
    }
    Ok(())
}

/// Runtimes say in their own words that a command is missing, and one of them only after the start: look first. With
/// volumes the command may come from outside of the image, and the runtime has the word.
pub(super) fn check_command(
    root: &Rootfs,
    options: &RunOptions,
    command: &str,
    environment: &[String],
    working_dir: &str,
) -> Result<(), InstanceError> {
    if !options.volumes.is_empty() {
        return Ok(());
    }
    let path = config::value_of(environment, "PATH").unwrap_or_default();
    let found = root
        .look_up(command, path, working_dir)
        .map_err(|source| InstanceError::WorkingDir { path: working_dir.to_owned(), source })?;
    match found {
        Command::Executable => Ok(()),
        Command::NotExecutable => Err(InstanceError::CommandNotExecutable(command.to_owned())),
        Command::Missing => Err(InstanceError::CommandNotFound(command.to_owned(), path.to_owned())),
    }
}

fn warnings(host: HostTraits) -> Vec<String> {
    let no_devices = "the embedded runtime cannot enforce device rules under cgroup v2 alone, so the instance may neither \
                      make nor use device nodes besides the default ones; `--runtime runc` can";
    if host.device_rules { Vec::new() } else { vec![no_devices.to_owned()] }
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
        fs::write(&path, content).map_err(|source| InstanceError::WriteState { path, source })?;
    }
    Ok(())
}

/// A host file's text; nothing where it is missing or unlikely long.
fn host_file(path: &str) -> String {
    fs::read_to_string(path).ok().filter(|text| text.len() <= LONGEST_HOST_FILE).unwrap_or_default()
}
