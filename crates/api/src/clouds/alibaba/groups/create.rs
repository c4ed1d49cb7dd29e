//! Groups created: checked and recorded at once, started behind the answer.

use aws_lc_rs::digest;
use clouds::alibaba::answer::CreatedContainerGroup;
use clouds::alibaba::request::{
    Capabilities, Container, CpuArchitecture, CreateContainerGroup, VariableSource,
};
use clouds::alibaba::{Answer, ErrorCode, OperationName, Refusal};
use model::{ByteSize, ImageSource, InstanceId, Platform};
use wire::{CreateInstance, MatchPolicy, PickCache};

use super::{ContainerNotes, Group, GroupNotes, support};
use crate::clouds::alibaba::{Caller, ids, refusals, registries};
use crate::service::{NewInstance, ServiceErrorKind};

const NAME: OperationName = OperationName::CreateContainerGroup;
/// The storage that every group has.
const FREE_GIB: u32 = 30;
const GIB: f64 = 1_073_741_824.0;

/// The hash of what a request says. Passwords do not count, as they do not with caches.
fn request_hash(create: &CreateContainerGroup) -> String {
    let request = CreateContainerGroup { client_token: None, ..create.clone() };
    hex::encode(digest::digest(&digest::SHA256, format!("{request:?}").as_bytes()))
}

fn platform(architecture: CpuArchitecture) -> Platform {
    match architecture {
        CpuArchitecture::Amd64 => Platform::linux_amd64(),
        CpuArchitecture::Arm64 => Platform { arch: "arm64".to_owned(), ..Platform::linux_amd64() },
    }
}

/// As an instance takes a user: `uid` or `uid:gid`.
fn user(capabilities: &Capabilities) -> Option<String> {
    match (capabilities.user, capabilities.group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user.to_string()),
        (None, Some(group)) => Some(format!("0:{group}")),
        (None, None) => None,
    }
}

fn notes(create: &CreateContainerGroup, container: &Container) -> GroupNotes {
    let text = |id: &Option<clouds::alibaba::request::ResourceId>| id.as_ref().map(ToString::to_string);
    let mut notes = GroupNotes {
        name: create.name.to_string(),
        region: Some(create.region.to_string()),
        resource_group: text(&create.resource_group_id),
        zone: text(&create.network.zone_id),
        vswitch: create.network.vswitch_ids.iter().flatten().next().map(ToString::to_string),
        security_group: text(&create.network.security_group_id),
        instance_type: create.instance_type.clone(),
        restart_policy: create.restart_policy.to_string(),
        cpu: create.cpu.or(container.cpu),
        memory_gib: create.memory_gib.or(container.memory_gib),
        extra_storage_gib: create.extra_storage_gib,
        tags: create.tags.clone().unwrap_or_default(),
        container: container_notes(container),
        parameters: std::collections::BTreeMap::new(),
        request: request_hash(create),
    };
    let further = create.further.recorded.iter();
    notes.parameters.extend(further.map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut keep = |name: &str, value: Option<String>| {
        notes.parameters.extend(value.map(|value| (name.to_owned(), value)));
    };
    keep("EipInstanceId", text(&create.network.eip_instance_id));
    keep("AutoCreateEip", create.public_address.create.then(|| "true".to_owned()));
    keep("EipBandwidth", create.public_address.bandwidth_mbit.map(|mbit| mbit.to_string()));
    keep("EipISP", text(&create.public_address.line));
    keep("EipCommonBandwidthPackage", text(&create.public_address.bandwidth_package));
    let servers: Vec<String> = create.ntp_servers.iter().map(ToString::to_string).collect();
    keep("NtpServer", Some(servers.join(",")).filter(|servers| !servers.is_empty()));
    keep(
        "TerminationGracePeriodSeconds",
        create.termination_grace_seconds.map(|seconds| seconds.to_string()),
    );
    keep("TerminationMessagePath", container.termination_message_path.clone());
    keep("TerminationMessagePolicy", container.termination_message_policy.clone());
    keep("ImageAccelerateMode", create.accelerate.map(|mode| mode.to_string()));
    keep("MaxPendingMinute", create.most_pending_minutes.map(|minutes| minutes.to_string()));
    notes
}

fn container_notes(container: &Container) -> ContainerNotes {
    let shown = container.environment.iter().filter(|_| !container.hide_environment);
    ContainerNotes {
        name: container.name.clone(),
        image: container.image.text.clone(),
        pull_policy: container.pull_policy.map(|policy| policy.to_string()),
        working_dir: container.working_dir.clone(),
        commands: container.command.clone(),
        arguments: container.arguments.clone(),
        environment: shown.map(|variable| (variable.key.clone(), value(&variable.value))).collect(),
        ports: container.ports.iter().map(|port| (port.port, port.protocol.to_string())).collect(),
        stdin: container.stdin,
        stdin_once: container.stdin_once,
        tty: container.tty,
    }
}

fn value(source: &VariableSource) -> String {
    match source {
        VariableSource::Value(secret) => secret.expose().to_owned(),
        VariableSource::PodIp => String::new(),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the parser, and not negative"
)]
fn limits(notes: &GroupNotes, wish: &mut CreateInstance) {
    let positive = |quantity: Option<f64>| quantity.filter(|quantity| *quantity > 0.0);
    wish.milli_cpus = positive(notes.cpu).map(|cpus| ((cpus * 1000.0) as u32).max(10));
    wish.memory_bytes = positive(notes.memory_gib).map(|gib| ByteSize::bytes((gib * GIB) as u64));
}

impl Caller {
    pub(in crate::clouds::alibaba) async fn create_group(
        &self,
        create: CreateContainerGroup,
    ) -> Result<Answer, Refusal> {
        support::check(&create)?;
        let container = create.containers.first().ok_or_else(|| Refusal::missing("Container"))?;
        let cache = self.cache_of(&create).await?;
        let notes = notes(&create, container);
        let wish = self.wish(&create, container, cache, &notes)?;
        let (id, before) = match &create.client_token {
            None => (InstanceId::generate(), None),
            Some(token) => {
                let id = self.id_of_token(token.as_str());
                (id, self.request_before(id).await?)
            }
        };
        let answer =
            Answer::CreateContainerGroup(CreatedContainerGroup { container_group_id: ids::group(id) });
        match before {
            Some(request) if request == notes.request => return Ok(answer),
            Some(_) => return Err(Refusal::new(ErrorCode::IdempotentParameterMismatch)),
            None => {}
        }
        if create.dry_run {
            return Err(Refusal::of(NAME, ErrorCode::DryRunOperation));
        }
        let new = NewInstance {
            id: Some(id),
            wish,
            platform: platform(create.cpu_architecture),
            notes: Some(notes.to_notes()?),
        };
        self.start(id, notes, new)?;
        Ok(answer)
    }

    /// Starts the instance behind the answer.
    fn start(&self, id: InstanceId, notes: GroupNotes, new: NewInstance) -> Result<(), Refusal> {
        let now = self.edge.clock().now();
        let group = Group { id, notes, created: now, instance: None, failure: None, transit: None };
        let starting = &self.edge.cloud_state().starting;
        starting
            .add(&self.account, group, now)
            .map_err(|code| Refusal::of(NAME, code).about("ContainerGroup"))?;
        let (edge, account) = (self.edge.clone(), self.account.clone());
        self.edge.begin(async move {
            let starting = &edge.cloud_state().starting;
            match edge.service().create_instance(&account, new).await {
                Ok(_) => starting.started(id),
                Err(error) => {
                    let refusal = refusals::of_groups(NAME, &error);
                    tracing::info!(instance = %id, "a container group could not start: {refusal}");
                    starting.failed(id, refusal.message().into_owned(), edge.clock().now());
                }
            }
        });
        Ok(())
    }

    /// What the request said that came with that token before.
    async fn request_before(&self, id: InstanceId) -> Result<Option<String>, Refusal> {
        if let Some(group) =
            self.edge.cloud_state().starting.of(&self.account).iter().find(|group| group.id == id)
        {
            return Ok(Some(group.notes.request.clone()));
        }
        match self.edge.service().instance(&self.account, &id.to_string()).await {
            Ok(instance) => Ok(GroupNotes::of(instance.notes.as_ref()).map(|notes| notes.request)),
            Err(error) if error.kind == ServiceErrorKind::NotFound => Ok(None),
            Err(error) => Err(refusals::of_groups(NAME, &error)),
        }
    }

    /// The id that follows from a token: a request that comes again finds what it has made.
    fn id_of_token(&self, token: &str) -> InstanceId {
        let text = format!("container group\n{}\n{token}", self.account);
        let hash = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
        let id = format!("{}{}", ids::INSTANCE, &hash[..32]);
        id.parse().expect("32 hexadecimal digits")
    }

    /// Which cache it is to start from.
    async fn cache_of(&self, create: &CreateContainerGroup) -> Result<PickCache, Refusal> {
        let Some(id) = &create.image_cache_id else {
            return Ok(if create.match_image_cache { PickCache::Auto } else { PickCache::None });
        };
        let view = self.find(NAME, &create.region, id.as_str()).await?;
        let cache = view.ok_or_else(|| Refusal::of(NAME, ErrorCode::ImageSnapshotNotFound))?.cache;
        if !cache.is_usable() {
            let message = format!("The image cache {id} is {} and not Ready.", cache.state);
            return Err(Refusal::of(NAME, ErrorCode::ImageSnapshotIncorrectStatus).saying(&message));
        }
        Ok(PickCache::Only(cache.id.to_string()))
    }

    fn wish(
        &self,
        create: &CreateContainerGroup,
        container: &Container,
        cache: PickCache,
        notes: &GroupNotes,
    ) -> Result<CreateInstance, Refusal> {
        let access = registries::spoken_to(&create.access);
        let environment = container.environment.iter();
        let hostname = create.host_name.as_ref().map_or(create.name.as_str(), |name| name.as_str());
        let mut wish = CreateInstance {
            image: Some(ImageSource::Registry(container.image.reference.clone())),
            // A cache that is larger than the group's own storage cannot be its.
            space_bytes: (cache == PickCache::Auto)
                .then(|| ByteSize::gib(u64::from(FREE_GIB + create.extra_storage_gib))),
            cache,
            policy: MatchPolicy::Alibaba,
            entrypoint: (!container.command.is_empty()).then(|| container.command.clone()),
            command: container.arguments.clone(),
            env: environment.map(|variable| (variable.key.clone(), value(&variable.value))).collect(),
            working_dir: container.working_dir.clone(),
            user: user(&container.capabilities),
            hostname: Some(hostname.to_owned()),
            plain_http: access.plain_http.into_iter().collect(),
            insecure: access.insecure.into_iter().collect(),
            credentials: self.logins(&create.access.credentials, &create.access.acr)?,
            ..CreateInstance::default()
        };
        limits(notes, &mut wish);
        Ok(wish)
    }
}
