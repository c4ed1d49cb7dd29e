//! Alibaba's API over the port.

mod caches;
mod change;
mod describe;
pub(super) mod groups;
mod ids;
mod once;
mod refusals;
mod registries;
mod resources;
mod shown;

use clouds::CloudRequest;
use clouds::alibaba::answer::ContainerGroups;
use clouds::alibaba::{
    Answer, Call, Caller as Told, ErrorCode, Operation, OperationName, Refusal, Reply, RequestId, ram,
};
use model::{AccountId, Cloud, Tags, Timestamp};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::rates::Rate;
use super::seen::Mark;
use super::{Printed, Trouble, keys, random_bits};
use crate::edge::Edge;

/// Who calls, as proved by the signature.
#[derive(Clone)]
struct Caller {
    edge: Edge,
    account: AccountId,
    policy: ram::Policy,
}

/// The answer to a call.
pub(super) async fn answer(edge: &Edge, request: CloudRequest<'_>) -> Printed {
    let began = Instant::now();
    let told = told(&request);
    let mut name = None;
    let answered = match admit(edge, request, &mut name).await {
        Ok((caller, operation)) => perform(caller, operation).await,
        Err(refusal) => unseen(name, refusal),
    };
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
    let (code, reply) = match &answered {
        Ok(answer) => ("OK", answer.reply(&told)),
        Err(refusal) => (refusal.code().as_str(), refusal.reply(&told)),
    };
    let action = name.map_or("an unknown operation", OperationName::as_str);
    tracing::info!(
        cloud = %Cloud::Alibaba, cloud.action = action, cloud.code = code, cloud.request_id = %told.request_id,
        cloud.milliseconds = milliseconds,
        "{action} of Alibaba's API: {code} after {milliseconds:.1} ms"
    );
    reply.into()
}

/// Whoever may not see container groups is told of none, and not that there might be some.
fn unseen(name: Option<OperationName>, refusal: Refusal) -> Result<Answer, Refusal> {
    match (name, refusal.code()) {
        (Some(OperationName::DescribeContainerGroups), ErrorCode::ForbiddenRam) => {
            Ok(Answer::DescribeContainerGroups(ContainerGroups::default()))
        }
        _ => Err(refusal),
    }
}

/// The answer where it did not come to one.
pub(super) fn excuse(request: &CloudRequest<'_>, trouble: Trouble) -> Printed {
    let refusal = match trouble {
        Trouble::TooLong(most) => {
            let message = format!("The request body is longer than {most} bytes.");
            Refusal::new(ErrorCode::InvalidParameterLengthExceeded).saying(&message)
        }
        Trouble::BrokenOff => Refusal::invalid("body"),
        Trouble::TooSlow => Refusal::new(ErrorCode::ServiceUnavailable),
        Trouble::Panicked => Refusal::new(ErrorCode::InternalError),
    };
    refusal.reply(&told(request)).into()
}

fn told<'a>(request: &CloudRequest<'a>) -> Told<'a> {
    Told {
        request_id: RequestId::from_bits(u128::from_be_bytes(random_bits())),
        format: Call::format_of(request),
        host: request.header("host").unwrap_or_default(),
        troubleshooting: None,
    }
}

impl From<Reply> for Printed {
    fn from(reply: Reply) -> Self {
        Self { status: reply.status, headers: reply.headers, body: reply.body }
    }
}

/// Who calls, and for what: signed with a known key, now, for the first time, not too often, and with permission.
async fn admit(
    edge: &Edge,
    request: CloudRequest<'_>,
    name: &mut Option<OperationName>,
) -> Result<(Caller, Operation), Refusal> {
    let call = Call::read(request)?;
    *name = Some(call.operation_name());
    let key = keys::look_up(edge, call.access_key_id()).await.map_err(|error| refusals::of_keys(&error))?;
    let key = key.ok_or_else(|| Refusal::new(ErrorCode::InvalidAccessKeyIdNotFound))?;
    if !key.is_enabled {
        return Err(Refusal::new(ErrorCode::InvalidAccessKeyIdInactive));
    }
    let (now, skew) = (edge.clock().now(), edge.clouds().alibaba.skew_seconds);
    let signed = call.verify(key.secret.expose_secret().as_bytes(), now, skew)?;
    tracing::Span::current().record("account", key.account.as_str());
    let until = signed.signed_at.plus_micros(i64::from(skew) * 1_000_000);
    match edge.cloud_state().seen.note(&signed.access_key_id, &signed.nonce, "", until, now) {
        Mark::New => {}
        Mark::Same | Mark::Other => return Err(Refusal::new(ErrorCode::SignatureNonceUsed)),
        Mark::Full => return Err(Refusal::new(ErrorCode::ThrottlingUser).retry_after(60_000)),
    }
    keys::note_use(edge, &signed.access_key_id).await;
    check_rate(edge, &key.account, call.operation_name(), now)?;
    let operation = call.operation()?;
    let caller = Caller { edge: edge.clone(), account: key.account, policy: key.policy };
    caller.check_region(&operation)?;
    caller.check_permission(&operation).await?;
    Ok((caller, operation))
}

/// The cloud's own limits, in calls per minute of an account, count where any do.
fn check_rate(edge: &Edge, account: &AccountId, name: OperationName, now: Timestamp) -> Result<(), Refusal> {
    let Some(set) = edge.clouds().requests_per_minute else { return Ok(()) };
    let own = match name {
        OperationName::CreateImageCache => 200,
        OperationName::CreateContainerGroup | OperationName::DeleteContainerGroup => 1000,
        OperationName::DescribeContainerGroups => 2000,
        OperationName::DescribeContainerLog => 500,
        _ => u32::MAX,
    };
    let rate = Rate { calls: set.min(own), seconds: 60 };
    edge.cloud_state()
        .rates
        .count(account, name.as_str(), rate, now)
        .map_err(|wait| Refusal::of(name, ErrorCode::Throttling).retry_after(wait))
}

impl Caller {
    fn check_region(&self, operation: &Operation) -> Result<(), Refusal> {
        let served = |region: &str| self.edge.clouds().alibaba.serves(region);
        match ids::region(operation) {
            Some(region) if !served(region.as_str()) => Err(Refusal::invalid("RegionId")),
            _ => Ok(()),
        }
    }

    /// Whether the key's policy lets it do all of that.
    async fn check_permission(&self, operation: &Operation) -> Result<(), Refusal> {
        let asked = ids::asked_tags(operation);
        for access in ram::access_requests(operation, self.account.as_str()) {
            let tags = match &access.id {
                Some(id) => self.tags_of(id.as_str()).await.map_err(|error| refusals::of_keys(&error))?,
                None => asked.clone(),
            };
            self.policy.decide(&access.action, &access.resource, &tags).map_err(Refusal::denied)?;
        }
        Ok(())
    }

    /// The tags of a resource; none where it is not there.
    async fn tags_of(&self, id: &str) -> crate::service::ServiceResult<Tags> {
        if let Some(group) = ids::group_of(id) {
            return self.tags_of_group(group).await;
        }
        let Ok(id) = id.parse() else { return Ok(Tags::default()) };
        let view = super::listing::cache(&self.edge, &self.account, id).await?;
        Ok(view.map(|view| view.cache.policy.tags).unwrap_or_default())
    }
}

/// Carries the operation out, also where the caller has gone.
async fn perform(caller: Caller, operation: Operation) -> Result<Answer, Refusal> {
    let edge = caller.edge.clone();
    let action = async move {
        match operation {
            Operation::CreateImageCache(create) => caller.create_cache(*create).await,
            Operation::UpdateImageCache(update) => caller.update_cache(&update).await,
            Operation::DeleteImageCache(delete) => caller.delete_cache(&delete).await,
            Operation::DescribeImageCaches(describe) => caller.describe_caches(&describe).await,
            Operation::ListUsage(_) => caller.list_usage().await,
            Operation::DescribeRegions(describe) => Ok(caller.describe_regions(&describe)),
            Operation::TagResources(tag) => caller.tag(&tag).await,
            Operation::UntagResources(untag) => caller.untag(&untag).await,
            Operation::ListTagResources(list) => caller.list_tags(&list).await,
            Operation::CreateContainerGroup(create) => {
                create.check_further()?;
                caller.create_group(&create).await
            }
            Operation::DeleteContainerGroup(delete) => caller.delete_group(&delete).await,
            Operation::DescribeContainerGroups(describe) => caller.describe_groups(&describe).await,
            Operation::DescribeContainerGroupStatus(describe) => caller.describe_status(&describe).await,
            Operation::DescribeContainerGroupEvents(describe) => {
                caller.describe_group_events(&describe).await
            }
            Operation::DescribeContainerLog(log) => caller.describe_log(&log).await,
        }
    };
    edge.carry_out(action).await
}
