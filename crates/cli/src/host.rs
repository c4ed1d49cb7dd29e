//! The engine's port to containers over this machine's own instances. Every call blocks, so each goes to a thread that may.

mod exec;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use engine::{
    ExecEnd, ExecOrder, GroupFile, GroupMembership, GroupOrder, GroupPrepared, HostError, HostErrorKind,
    HostOption, HostOrder, HostStarted, HostStates, HostStatus, InstanceHost, InstanceNetwork,
    InstanceOptions, LineStream, OrderedVolume, Printed, PrintedLine,
};
use model::{BlobKey, ExitStatus, GroupId, ImageConfig, InstanceId, Platform};
use node::{
    Attachment, GroupSpec, ImageBlobs, InstanceError, InstanceErrorKind, InstanceSpec, Instances,
    JoinedGroup, LogStream, MilliCpus, Network, RunOptions, RuntimeChoice, SharedFile, SharedMount,
    SharedVolume, Started, UpperLimit, Volume,
};
use tokio::sync::mpsc::Sender;

pub(crate) use exec::dispatch_internal;

/// The instances of a data directory as the engine's host.
pub(crate) struct LocalHost {
    instances: Instances,
    data_dir: PathBuf,
    on_end: Arc<OnceLock<OnEnd>>,
}

type OnEnd = Box<dyn Fn() + Send + Sync>;

impl LocalHost {
    pub(crate) fn new(instances: Instances, data_dir: PathBuf) -> Self {
        Self { instances, data_dir, on_end: Arc::default() }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Instances) -> Result<T, InstanceError> + Send + 'static,
    ) -> Result<T, HostError> {
        let instances = self.instances.clone();
        let done = tokio::task::spawn_blocking(move || act(&instances)).await;
        done.map_err(|error| HostError::new(HostErrorKind::System, error))?.map_err(failed)
    }
}

/// The engine's word for a failure of this machine's instances.
pub(crate) fn failed(error: InstanceError) -> HostError {
    let option = option_of(&error);
    HostError::new(kind_of(error.kind()), error).about(option)
}

/// What of the order it is about.
fn option_of(error: &InstanceError) -> Option<HostOption> {
    match error {
        InstanceError::NoCommand(_) => Some(HostOption::Command),
        InstanceError::Account { .. } => Some(HostOption::User),
        InstanceError::Volume { .. } | InstanceError::VolumePlace { .. } => Some(HostOption::Volumes),
        InstanceError::Option { option: "runtime", .. } => Some(HostOption::Runtime),
        InstanceError::Option { option: "workdir", .. } => Some(HostOption::WorkingDir),
        InstanceError::Option { option: "command", .. } => Some(HostOption::Command),
        _ => None,
    }
}

pub(crate) fn kind_of(kind: InstanceErrorKind) -> HostErrorKind {
    match kind {
        InstanceErrorKind::Input => HostErrorKind::Input,
        InstanceErrorKind::CommandNotFound => HostErrorKind::CommandNotFound,
        InstanceErrorKind::CommandNotExecutable => HostErrorKind::CommandNotExecutable,
        InstanceErrorKind::NotFound => HostErrorKind::NotFound,
        InstanceErrorKind::State => HostErrorKind::State,
        InstanceErrorKind::Privilege => HostErrorKind::Privilege,
        InstanceErrorKind::System => HostErrorKind::System,
    }
}

fn options_of(options: &InstanceOptions) -> RunOptions {
    RunOptions {
        entrypoint: options.entrypoint.clone(),
        command: options.command.clone(),
        env: options.env.clone(),
        working_dir: options.working_dir.clone(),
        user: options.user.clone(),
        hostname: options.hostname.clone(),
        network: match options.network {
            InstanceNetwork::Host => Network::Host,
            InstanceNetwork::None => Network::None,
        },
        volumes: options
            .volumes
            .iter()
            .map(|volume| Volume {
                host: volume.host.clone(),
                container: volume.container.clone(),
                read_only: volume.read_only,
            })
            .collect(),
        group: options.group.as_ref().map(joined),
        memory: options.memory,
        cpus: options.milli_cpus.map(MilliCpus::of),
        terminal: false,
        interactive: false,
    }
}

fn joined(group: &GroupMembership) -> JoinedGroup {
    let mount = |mount: &model::GroupMount| SharedMount {
        volume: mount.volume,
        sub_path: mount.sub_path.clone(),
        container: mount.path.clone(),
        read_only: mount.read_only,
    };
    JoinedGroup {
        id: group.id,
        shares_network: group.shares_network,
        mounts: group.mounts.iter().map(mount).collect(),
    }
}

fn group_spec(order: GroupOrder) -> GroupSpec {
    let file = |file: GroupFile| SharedFile { path: file.path, content: file.content, mode: file.mode };
    let volume = |volume| match volume {
        OrderedVolume::Directory { limit } => SharedVolume::Directory { limit },
        OrderedVolume::Memory { limit } => SharedVolume::Memory { limit },
        OrderedVolume::Files(files) => SharedVolume::Files(files.into_iter().map(file).collect()),
    };
    GroupSpec {
        id: order.id,
        volumes: order.volumes.into_iter().map(volume).collect(),
        own_network: order.own_network,
        memory: order.memory,
        cpus: order.milli_cpus.map(MilliCpus::of),
    }
}

/// What this machine is to start.
pub(crate) fn spec_of(order: HostOrder) -> InstanceSpec {
    let path_of = |key: &BlobKey| order.store.local_path(key).unwrap_or_else(|| PathBuf::from("/"));
    InstanceSpec {
        id: order.id,
        name: order.name.clone(),
        blobs: ImageBlobs::of(&order.image, path_of),
        options: options_of(&order.options),
        size_limit: Some(order.size_limit),
        remove_on_exit: order.remove_on_exit,
        runtime: match &order.runtime {
            Some(program) => RuntimeChoice::Installed(PathBuf::from(program)),
            None => RuntimeChoice::Embedded,
        },
        config: order.image.config,
    }
}

/// What there is to say of an instance that runs.
pub(crate) fn started_of(started: &Started) -> HostStarted {
    let mut limits_not_set = started.warnings.clone();
    if let UpperLimit::NotEnforced(why) = &started.upper_limit {
        limits_not_set.push(format!("the writable layer is not limited to the cache's size: {why}"));
    }
    HostStarted {
        pid: started.pid,
        image_ready_us: started.timings.image_ready_us(),
        total_us: started.timings.total_us(),
        limits_not_set,
        warnings: started.warnings.clone(),
    }
}

/// An image of another architecture can run here where an emulator is set up.
pub(crate) fn emulated(platform: &Platform) -> Option<String> {
    let here = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    (platform.arch != here).then(|| {
        format!("the image is for {platform}, this machine is {here}: it needs an emulator (binfmt_misc)")
    })
}

fn printed(line: node::LogLine) -> PrintedLine {
    let stream = match line.stream {
        LogStream::Stdout => LineStream::Stdout,
        LogStream::Stderr => LineStream::Stderr,
    };
    PrintedLine { time: line.time, stream, bytes: line.bytes }
}

#[async_trait]
impl InstanceHost for LocalHost {
    fn command_line(&self, options: &InstanceOptions, config: &ImageConfig) -> Vec<String> {
        options_of(options).command_line(config)
    }

    async fn start(&self, order: HostOrder) -> Result<HostStarted, HostError> {
        let emulated = emulated(&order.image.platform);
        let spec = spec_of(order);
        let started =
            self.blocking(move |instances| instances.create_and_start(&spec, Attachment::Log)).await?;
        let mut noted = started_of(&started);
        noted.warnings.splice(0..0, emulated);
        let session = started.session;
        // Its monitor is this process's child, and has to be waited for. Nobody waits for this thread.
        let waiter = std::thread::Builder::new().name("instance-waiter".to_owned()).stack_size(64 << 10);
        let on_end = Arc::clone(&self.on_end);
        let wait = move || {
            drop(session.wait());
            if let Some(call) = on_end.get() {
                call();
            }
        };
        if let Err(error) = waiter.spawn(wait) {
            tracing::warn!(error = %error, "no thread waits for an instance's monitor");
        }
        Ok(noted)
    }

    async fn stop(&self, id: InstanceId, patience: Duration) -> Result<ExitStatus, HostError> {
        self.blocking(move |instances| instances.stop(id, patience)).await
    }

    async fn wait(&self, id: InstanceId) -> Result<(), HostError> {
        self.blocking(move |instances| instances.wait(id).map(drop)).await
    }

    async fn remove(&self, id: InstanceId, force: bool) -> Result<(), HostError> {
        self.blocking(move |instances| instances.remove(id, force)).await
    }

    async fn logs(&self, id: InstanceId, limit: usize) -> Result<Vec<PrintedLine>, HostError> {
        self.blocking(move |instances| {
            let (mut kept, mut length) = (VecDeque::new(), 0);
            instances.logs(id, false, &mut |line| {
                length += line.bytes.len();
                kept.push_back(printed(line));
                while length > limit
                    && let Some(oldest) = kept.pop_front()
                {
                    length -= oldest.bytes.len();
                }
                true
            })?;
            Ok(kept.into())
        })
        .await
    }

    async fn read_log(&self, id: InstanceId, follow: bool, to: Sender<PrintedLine>) -> Result<(), HostError> {
        self.blocking(move |instances| {
            let mut each = |line| to.blocking_send(printed(line)).is_ok();
            instances.logs_while(id, follow, &|| !to.is_closed(), &mut each)
        })
        .await
    }

    async fn exec(
        &self,
        id: InstanceId,
        order: ExecOrder,
        to: Sender<Printed>,
    ) -> Result<ExecEnd, HostError> {
        exec::run(&self.data_dir, id, order, to).await
    }

    async fn prepare_group(&self, order: GroupOrder) -> Result<GroupPrepared, HostError> {
        let spec = group_spec(order);
        let prepared = self.blocking(move |instances| instances.prepare_group(&spec)).await?;
        let node::PreparedGroup { address, warnings, was_lost } = prepared;
        Ok(GroupPrepared { address, warnings, was_lost })
    }

    async fn remove_group(&self, id: GroupId) -> Result<(), HostError> {
        self.blocking(move |instances| instances.remove_group(id)).await
    }

    async fn groups(&self) -> Result<Vec<GroupId>, HostError> {
        self.blocking(|instances| instances.groups()).await
    }

    fn on_end(&self, call: OnEnd) {
        // The engine says it once, when it is joined to this host.
        let _ = self.on_end.set(call);
    }

    async fn look_around(&self) -> Result<HostStates, HostError> {
        node::require_root("clean up after instances")
            .map_err(|error| HostError::new(HostErrorKind::Privilege, error))?;
        let found = self.blocking(|instances| instances.reconcile()).await?;
        let status =
            |status: node::InstanceStatus| HostStatus { id: status.id, state: status.state, pid: status.pid };
        Ok(HostStates {
            instances: found.instances.into_iter().map(status).collect(),
            cleaned: found.cleaned,
            failed: found.failed.into_iter().map(|(id, error)| (id, failed(error))).collect(),
        })
    }
}
