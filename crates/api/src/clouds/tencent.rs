//! Tencent's API over the port.

mod caches;
mod describe;
mod refusals;

use clouds::CloudRequest;
use clouds::alibaba::ram;
use clouds::tencent::{
    Answer, CONTENT_TYPE, Call, Code, Error, Language, Operation, OperationName, RequestId, STATUS, Signed,
    cam, translate,
};
use model::{AccountId, CacheId, Cloud, Tags, Timestamp};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::rates::Rate;
use super::seen::Mark;
use super::{Printed, Trouble, keys, random_bits};
use crate::edge::Edge;
use crate::service::KnownKey;

/// The cloud's own limit: calls of an account to one operation in a second.
const OWN_RATE: Rate = Rate { calls: 20, seconds: 1 };

/// Who calls, as proved by the signature.
#[derive(Clone)]
struct Caller {
    edge: Edge,
    account: AccountId,
    policy: ram::Policy,
    region: String,
    request_id: RequestId,
}

/// The answer to a call.
pub(super) async fn answer(edge: &Edge, request: CloudRequest<'_>) -> Printed {
    let began = Instant::now();
    let request_id = RequestId::of_random(random_bits());
    let mut name = None;
    let answered = match admit(edge, &request, request_id, &mut name).await {
        Ok((caller, operation)) => perform(caller, operation).await,
        Err(error) => Err(error),
    };
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
    let (code, body) = match &answered {
        Ok(answer) => ("OK", answer.print(request_id)),
        Err(error) => (error.code().as_str(), error.print(Language::of(&request), request_id)),
    };
    let action = name.map_or("an unknown operation", OperationName::as_str);
    tracing::info!(
        cloud = %Cloud::Tencent, cloud.action = action, cloud.code = code, cloud.request_id = %request_id,
        cloud.milliseconds = milliseconds,
        "{action} of Tencent's API: {code} after {milliseconds:.1} ms"
    );
    printed(body)
}

/// The answer where it did not come to one.
pub(super) fn excuse(request: &CloudRequest<'_>, trouble: Trouble) -> Printed {
    let error = match trouble {
        Trouble::TooLong(_) => Error::of(Code::RequestSizeLimitExceeded),
        Trouble::BrokenOff => Error::of(Code::InvalidRequest),
        Trouble::TooSlow => Error::of(Code::ServiceUnavailable),
        Trouble::Panicked => Error::of(Code::InternalError),
    };
    printed(error.print(Language::of(request), RequestId::of_random(random_bits())))
}

fn printed(body: Vec<u8>) -> Printed {
    Printed { status: STATUS, headers: vec![("content-type", CONTENT_TYPE.to_owned())], body }
}

/// Who calls, and for what: signed with a known key, now, not as another call was, not too often, and with permission.
async fn admit(
    edge: &Edge,
    request: &CloudRequest<'_>,
    request_id: RequestId,
    name: &mut Option<OperationName>,
) -> Result<(Caller, Operation), Error> {
    let call = Call::read(request)?;
    let key = keys::look_up(edge, call.secret_id()).await.map_err(|error| refusals::of_keys(&error))?;
    let key = key.filter(|key| key.is_enabled).ok_or_else(|| Error::of(Code::SecretIdNotFound))?;
    let (now, skew) = (edge.clock().now(), edge.clouds().tencent.skew_seconds);
    let signed = call.verify(key.secret.expose_secret().as_bytes(), now, skew)?;
    tracing::Span::current().record("account", key.account.as_str());
    let operation = signed.operation(|region| edge.clouds().tencent.serves(region));
    *name = operation.as_ref().ok().map(Operation::name);
    check_replay(edge, &signed, request, skew, now)?;
    keys::note_use(edge, signed.secret_id()).await;
    let operation = operation?;
    check_rate(edge, &key.account, operation.name(), now)?;
    let KnownKey { account, policy, .. } = key;
    let region = signed.region().to_owned();
    let caller = Caller { edge: edge.clone(), account, policy, region, request_id };
    caller.check_permission(&operation).await?;
    Ok((caller, operation))
}

/// The scheme has no nonce: a call may come twice. The SDKs' signatures do not cover action and region either, so that a client that
/// reads and deletes in one second signs both alike. But later, what was signed for one action and region is refused with another:
/// somebody else has seen it.
fn check_replay(
    edge: &Edge,
    signed: &Signed<'_>,
    request: &CloudRequest<'_>,
    skew: u32,
    now: Timestamp,
) -> Result<(), Error> {
    let action = request.header("x-tc-action").map(str::trim).unwrap_or_default();
    let (mark, meaning) = (hex::encode(signed.signature()), format!("{action}@{}", signed.region()));
    let until = signed.time().plus_micros(i64::from(skew) * 1_000_000);
    match edge.cloud_state().seen.note(signed.secret_id(), &mark, &meaning, until, now) {
        Mark::New | Mark::Same => Ok(()),
        Mark::Other => Err(Error::of(Code::SignatureFailure)),
        Mark::Full => Err(Error::of(Code::RequestLimitExceededUin)),
    }
}

fn check_rate(edge: &Edge, account: &AccountId, name: OperationName, now: Timestamp) -> Result<(), Error> {
    let Some(calls) = edge.clouds().requests_per_minute else { return Ok(()) };
    let rates = &edge.cloud_state().rates;
    let own = rates.count(account, own_window(name), OWN_RATE, now);
    own.and_then(|()| rates.count(account, name.as_str(), Rate { calls, seconds: 60 }, now))
        .map_err(|_| Error::of(Code::RequestLimitExceeded))
}

/// The name of the window of a second.
fn own_window(name: OperationName) -> &'static str {
    match name {
        OperationName::CreateImageCache => "a second of CreateImageCache",
        OperationName::DescribeImageCaches => "a second of DescribeImageCaches",
        OperationName::UpdateImageCache => "a second of UpdateImageCache",
        OperationName::DeleteImageCaches => "a second of DeleteImageCaches",
        OperationName::GetMostSuitableImageCache => "a second of GetMostSuitableImageCache",
    }
}

impl Caller {
    /// Whether the key's policy lets it do that.
    async fn check_permission(&self, operation: &Operation) -> Result<(), Error> {
        let name = operation.name();
        let (ids, given): (Vec<CacheId>, Tags) = match operation {
            Operation::CreateImageCache(create) => (Vec::new(), create.tags.clone()),
            Operation::UpdateImageCache(update) => {
                (update.image_cache_id.id.into_iter().collect(), Tags::default())
            }
            Operation::DeleteImageCaches(delete) => (
                translate::ids(&delete.image_cache_ids).unwrap_or_default().into_iter().collect(),
                Tags::default(),
            ),
            Operation::DescribeImageCaches(describe) => {
                let ids = describe.image_cache_ids.iter().flatten();
                (ids.filter_map(|named| named.id).collect(), Tags::default())
            }
            Operation::GetMostSuitableImageCache(_) => (Vec::new(), Tags::default()),
        };
        if ids.is_empty() {
            return self.decide(name, None, &given);
        }
        for id in ids {
            let view = super::listing::cache(&self.edge, &self.account, id)
                .await
                .map_err(|error| refusals::of_keys(&error))?;
            let tags = view.map(|view| view.cache.policy.tags).unwrap_or_default();
            self.decide(name, Some(id), &tags)?;
        }
        Ok(())
    }

    fn decide(&self, name: OperationName, id: Option<CacheId>, tags: &Tags) -> Result<(), Error> {
        let resource = cam::resource(&self.region, &self.account, id);
        let decided = self.policy.decide(&name.cam_action(), &resource, tags);
        decided.map_err(|_| cam::denied(name, &resource, self.request_id))
    }
}

/// Carries the operation out, also where the caller has gone.
async fn perform(caller: Caller, operation: Operation) -> Result<Answer, Error> {
    let edge = caller.edge.clone();
    let action = async move {
        match operation {
            Operation::CreateImageCache(create) => caller.create_cache(create).await,
            Operation::DescribeImageCaches(describe) => caller.describe_caches(&describe).await,
            Operation::UpdateImageCache(update) => caller.update_cache(update).await,
            Operation::DeleteImageCaches(delete) => caller.delete_caches(&delete).await,
            Operation::GetMostSuitableImageCache(get) => caller.most_suitable(&get).await,
        }
    };
    edge.carry_out(action).await
}
