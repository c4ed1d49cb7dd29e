//! A container of a group: started as a new instance with a fresh writable layer, ended, removed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{
    ContainerPlace, ContainerSpec, ContainerState, EventKind, EventReason, Group, GroupChoice, GroupNetwork,
    GroupSecrets, GroupStatus, Instance, InstanceId, InstanceName, InstanceState, SnapshotImage,
    StartFailure, VolumeSource,
};

use super::{Groups, event};
use crate::host::{
    GroupFile, GroupMembership, GroupOrder, HostOrder, InstanceNetwork, InstanceOptions, OrderedVolume,
};
use crate::{Error, HostErrorKind, chain};

/// What a group's containers start with, opened and prepared once for all that start now.
pub(super) struct Ground {
    pub(super) secrets: GroupSecrets,
    /// By which address they are reached.
    pub(super) address: IpAddr,
    /// Whether what its init containers left in memory is gone.
    pub(super) was_lost: bool,
}

impl Groups {
    /// Prepares what the containers share.
    pub(super) async fn prepare(&self, group: &Group) -> Result<Ground, Error> {
        let secrets = self.engine().open_group(group).await?;
        let volumes = group.spec.volumes.iter().enumerate().map(|(place, volume)| match &volume.source {
            VolumeSource::Directory { limit } => OrderedVolume::Directory { limit: *limit },
            VolumeSource::Memory { limit } => OrderedVolume::Memory { limit: *limit },
            VolumeSource::Files { files } => {
                let contents = secrets.files.get(&place).map(Vec::as_slice).unwrap_or_default();
                let file = |(file, content): (&model::VolumeFile, &Vec<u8>)| GroupFile {
                    path: file.path.clone(),
                    content: content.clone(),
                    mode: file.mode,
                };
                OrderedVolume::Files(files.iter().zip(contents).map(file).collect())
            }
        });
        let order = GroupOrder {
            id: group.id,
            volumes: volumes.collect(),
            own_network: group.spec.network == GroupNetwork::Own,
            memory: group.spec.memory,
            milli_cpus: group.spec.milli_cpus,
        };
        let prepared = self.instances.host().prepare_group(order).await;
        let prepared = prepared.map_err(|source| Error::PrepareGroup { id: group.id, source })?;
        let now = self.now();
        let warn = |warning| event(group, EventKind::Warning, EventReason::LimitNotSet, warning, now);
        let warnings: Vec<_> = prepared.warnings.into_iter().map(warn).collect();
        if !warnings.is_empty() {
            self.engine().records().append_events(&warnings).await?;
        }
        Ok(Ground { secrets, address: prepared.address, was_lost: prepared.was_lost })
    }

    /// Starts the container at that place; `None` where somebody else has changed the group meanwhile.
    pub(super) async fn start(
        &self,
        group: &Group,
        place: ContainerPlace,
        ground: &Ground,
    ) -> Result<Option<Group>, Error> {
        let (Some(spec), Some(choice)) = (group.spec.container(place), &group.status.choice) else {
            return Ok(None);
        };
        let id = InstanceId::generate();
        let mut status = group.status.clone();
        status.begin(place, id, self.now());
        // One that has it keeps it, whatever becomes of the machine's.
        status.address.get_or_insert(ground.address);
        // Recorded before it is done: whoever comes after a death knows what was begun.
        let Some(group) = self.step(group, status, Vec::new()).await? else { return Ok(None) };
        crate::build::step("group-container-recorded")?;
        let error = match self.run(&group, spec, choice, id, &ground.secrets).await {
            Ok(true) => {
                let news = (
                    EventKind::Normal,
                    EventReason::Started,
                    format!("the container `{}` started", spec.name),
                );
                return self.step(&group, group.status.clone(), vec![news]).await;
            }
            Ok(false) => return self.choose_anew(&group, place).await,
            Err(error @ (Error::Host { .. } | Error::OtherSystem { .. })) => error,
            Err(error) => return Err(error),
        };
        let message = chain(&error);
        let failure = StartFailure { instance: id, message: message.clone() };
        let (status, mut news) = group.start_failed(place, failure, self.now());
        let told = format!("the container `{}` could not start: {message}", spec.name);
        news.push((EventKind::Warning, EventReason::StartFailed, told));
        self.step(&group, status, news).await
    }

    /// What was chosen is gone: it is chosen once more, and the container waits for that.
    async fn choose_anew(&self, group: &Group, place: ContainerPlace) -> Result<Option<Group>, Error> {
        let mut status = GroupStatus { choice: None, ..group.status.clone() };
        if let Some(container) = status.container_mut(place) {
            container.state = ContainerState::Waiting;
        }
        self.step(group, status, Vec::new()).await
    }

    /// Whether its image is there still.
    async fn run(
        &self,
        group: &Group,
        spec: &ContainerSpec,
        choice: &GroupChoice,
        id: InstanceId,
        secrets: &GroupSecrets,
    ) -> Result<bool, Error> {
        let Some(held) = self.engine().hold_image(choice.snapshot, &spec.image, id).await? else {
            return Ok(false);
        };
        let (image, store, lease) = held;
        let run = async {
            let record = self.record_of(group, spec, choice, &image, id, secrets)?;
            self.engine().records().create_instance(&record, &[]).await?;
            crate::build::step("group-instance-recorded")?;
            let order = HostOrder {
                id,
                name: record.name.clone(),
                image,
                store: Arc::clone(&store),
                options: options(group, spec, secrets),
                size_limit: choice.size_limit,
                remove_on_exit: false,
                runtime: None,
            };
            match self.instances.host().start(order).await {
                Ok(started) => {
                    crate::build::step("group-instance-started")?;
                    self.instances.record_running(&record, &started).await.map(drop)
                }
                Err(error) => {
                    self.instances.take_back(&record, &error).await?;
                    Err(Error::host("start", &record)(error))
                }
            }
        };
        let ran = run.await;
        if let Err(error) = lease.release().await {
            tracing::warn!(error = chain(&error), "failed to release a start's lease");
        }
        ran.map(|()| true)
    }

    fn record_of(
        &self,
        group: &Group,
        spec: &ContainerSpec,
        choice: &GroupChoice,
        image: &SnapshotImage,
        id: InstanceId,
        secrets: &GroupSecrets,
    ) -> Result<Instance, Error> {
        if image.platform.os != std::env::consts::OS {
            let (image, platform) = (image.source.clone(), image.platform.clone());
            return Err(Error::OtherSystem { image, platform });
        }
        Ok(Instance {
            id,
            name: name_of(spec, id),
            account: group.account.clone(),
            image: image.source.clone(),
            manifest_digest: image.manifest_digest,
            snapshot: choice.snapshot,
            cache: choice.cache,
            group: Some(group.id),
            command: self.instances.host().command_line(&options(group, spec, secrets), &image.config),
            state: InstanceState::Creating,
            pid: None,
            remove_on_exit: false,
            created: self.now(),
            started: None,
            finished: None,
        })
    }

    /// Asks an instance to end, and ends it.
    pub(super) async fn stop(&self, group: &Group, id: InstanceId) -> Result<(), Error> {
        let patience = Duration::from_secs(group.spec.grace_seconds);
        match self.instances.stop(&group.account, &id.to_string(), patience).await {
            Err(Error::UnknownInstance { .. }) => Ok(()),
            // Never started, or gone already: the next look at the instances notes it.
            Err(Error::Host { source, .. }) if source.kind() == HostErrorKind::NotFound => Ok(()),
            stopped => stopped.map(drop),
        }
    }

    /// Ends an instance where it runs, and removes it.
    pub(super) async fn remove(&self, group: &Group, id: InstanceId) -> Result<(), Error> {
        let is_forced = group.status.deleting.is_some_and(|deleting| deleting.force);
        if !is_forced && group.spec.grace_seconds > 0 {
            self.stop(group, id).await?;
        }
        match self.instances.delete(&group.account, &id.to_string(), true).await {
            Err(Error::UnknownInstance { .. }) => Ok(()),
            removed => removed.map(drop),
        }
    }
}

/// The container's name, as much of it as fits, and what makes it unique.
fn name_of(spec: &ContainerSpec, id: InstanceId) -> InstanceName {
    const LONGEST: usize = 50;
    let id = id.to_string();
    let tail = &id[id.len() - 8..];
    let name = spec.name.as_str();
    let name = name[..name.len().min(LONGEST)].trim_end_matches(['-', '_', '.']);
    format!("{name}-{tail}").parse().expect("a name's beginning and hexadecimal digits make a name")
}

fn options(group: &Group, spec: &ContainerSpec, secrets: &GroupSecrets) -> InstanceOptions {
    InstanceOptions {
        entrypoint: spec.entrypoint.clone(),
        command: spec.command.clone(),
        env: environment(group, spec, secrets),
        working_dir: spec.working_dir.clone(),
        user: spec.user.clone(),
        hostname: Some(group.spec.hostname.clone()),
        network: match group.spec.network {
            GroupNetwork::Host => InstanceNetwork::Host,
            GroupNetwork::Own => InstanceNetwork::None,
        },
        volumes: Vec::new(),
        group: Some(GroupMembership {
            id: group.id,
            shares_network: group.spec.network == GroupNetwork::Own,
            mounts: spec.mounts.clone(),
        }),
        memory: spec.memory.map(|memory| at_most(memory, group.spec.memory)),
        // Control groups of version 1 refuse a share below that is larger than the one above.
        milli_cpus: spec.milli_cpus.map(|cpus| at_most(cpus, group.spec.milli_cpus)),
    }
}

/// `NAME=value`, in order.
fn environment(group: &Group, spec: &ContainerSpec, secrets: &GroupSecrets) -> Vec<String> {
    let address = group.status.address.map(|address| address.to_string()).unwrap_or_default();
    let variables = secrets.environment.get(&spec.name).map(Vec::as_slice).unwrap_or_default();
    let numbered = variables.iter().enumerate();
    let text =
        |(place, (name, value)): (usize, &(String, String))| match spec.address_variables.contains(&place) {
            true => format!("{name}={address}"),
            false => format!("{name}={value}"),
        };
    numbered.map(text).collect()
}

fn at_most<T: Ord>(wanted: T, limit: Option<T>) -> T {
    match limit {
        Some(limit) => wanted.min(limit),
        None => wanted,
    }
}
