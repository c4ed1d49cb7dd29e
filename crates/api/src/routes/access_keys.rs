//! `/v1/access-keys`: what signs requests to the clouds' interfaces.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use clouds::alibaba::ram::{self, Policy};
use http::StatusCode;
use model::AccessKeyId;
use secrecy::{ExposeSecret as _, SecretString};
use wire::{
    AccessKey, AccessKeyList, CreateAccessKey, CreatedAccessKey, PolicyPreset, ProblemKind, UpdateAccessKey,
};

use super::accounts::check_label;
use super::tokens::Whose;
use crate::auth::{Admin, Allowed, new_access_key};
use crate::edge::Edge;
use crate::extract::{Body, Key, NoQuery, Query, Word};
use crate::once::{Asked, Told, Turn};
use crate::refusal::Refusal;
use crate::service::{NewAccessKey, ServiceErrorKind};

fn document(key: &model::AccessKey) -> AccessKey {
    let preset = match key.policy.as_str() {
        ram::FULL_ACCESS => Some(PolicyPreset::Full),
        ram::READ_ONLY => Some(PolicyPreset::ReadOnly),
        _ => None,
    };
    AccessKey {
        id: key.id.clone(),
        account: key.account.to_string(),
        status: key.status.into(),
        label: key.label.clone(),
        preset,
        // It was read before it was recorded.
        policy: serde_json::from_str(&key.policy).unwrap_or_default(),
        created: key.created,
        last_used: key.last_used,
    }
}

/// Create an access key
///
/// The answer has its secret, this once; it is kept sealed.
#[utoipa::path(
    post, path = "/v1/access-keys", tag = "access keys", operation_id = "create_access_key",
    request_body = CreateAccessKey,
    params(("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one")),
    responses((status = 201, description = "The access key", body = CreatedAccessKey)),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(wish): Body<CreateAccessKey>,
) -> Result<Response, Refusal> {
    check_label(&wish.label)?;
    let policy = policy(&wish)?;
    // Made before it is recorded, so that whoever takes the request up tells the same one.
    let (id, secret) = new_access_key().map_err(|_| {
        tracing::error!("the system gave no random bytes");
        Refusal::new(ProblemKind::Internal)
    })?;
    let account = wish.account.clone().unwrap_or_else(|| caller.account.clone());
    let asked = Asked::to("create an access key", &wish).about(&(&id, secret.expose_secret())).secret();
    let service = edge.service_arc();
    let action = async move |turn: Turn| {
        let first =
            turn.subject().map(|(id, secret): (AccessKeyId, String)| (id, SecretString::from(secret)));
        let (id, secret) = first.unwrap_or((id, secret));
        let mut made = None;
        if turn.is_again {
            made = service.access_keys(Some(&account)).await?.into_iter().find(|made| made.id == id);
        }
        let made = match made {
            Some(made) => made,
            None => {
                let new = NewAccessKey { id, account, secret: secret.clone(), policy, label: wish.label };
                service.create_access_key(new).await?
            }
        };
        let created = CreatedAccessKey { key: document(&made), secret: secret.expose_secret().to_owned() };
        Ok(Told::new(StatusCode::CREATED, &created).secret())
    };
    edge.once(&caller.account, key, asked, action).await
}

/// What it may do, as a document that can be read.
fn policy(asked: &CreateAccessKey) -> Result<String, Refusal> {
    let refused = |detail: String| Refusal::new(ProblemKind::InvalidField).detail(detail).field("policy");
    match (&asked.policy, asked.preset) {
        (Some(_), Some(_)) => Err(refused("failed to take `policy`: `preset` is there as well".to_owned())),
        (None, preset) => Ok(match preset.unwrap_or_default() {
            PolicyPreset::Full => ram::FULL_ACCESS.to_owned(),
            PolicyPreset::ReadOnly => ram::READ_ONLY.to_owned(),
        }),
        (Some(policy), None) => {
            let text = policy.to_string();
            Policy::from_json(&text).map_err(|error| refused(engine::chain(&error)))?;
            Ok(text)
        }
    }
}

/// List access keys
///
/// Every access key, or those of one account, in order of creation; disabled ones as well.
#[utoipa::path(
    get, path = "/v1/access-keys", tag = "access keys", operation_id = "list_access_keys",
    params(("account" = Option<String>, Query, description = "Only those of this account")),
    responses((status = 200, description = "The access keys", body = AccessKeyList)),
)]
pub(super) async fn list(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Query(Whose(account)): Query<Whose>,
) -> Result<Json<AccessKeyList>, Refusal> {
    let keys = edge.service().access_keys(account.as_ref()).await?;
    Ok(Json(AccessKeyList { items: keys.iter().map(document).collect() }))
}

/// Enable or disable an access key
///
/// What a disabled one signs is refused from now on.
#[utoipa::path(
    patch, path = "/v1/access-keys/{key}", tag = "access keys", operation_id = "update_access_key",
    request_body = UpdateAccessKey,
    params(
        ("key" = String, Path, description = "Its id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The access key as it is now", body = AccessKey)),
)]
pub(super) async fn update(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(wish): Body<UpdateAccessKey>,
) -> Result<Response, Refusal> {
    let id = meant(&word)?;
    let (service, asked) = (edge.service_arc(), Asked::to("change an access key", &(&id, &wish)));
    let action = async move |_: Turn| {
        let changed = service.set_access_key_status(&id, wish.status.into()).await?;
        Ok(Told::ok(&document(&changed)))
    };
    edge.once(&caller.account, key, asked, action).await
}

/// Delete an access key
///
/// It signs nothing from now on, and is forgotten.
#[utoipa::path(
    delete, path = "/v1/access-keys/{key}", tag = "access keys", operation_id = "delete_access_key",
    params(
        ("key" = String, Path, description = "Its id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one"),
    ),
    responses((status = 200, description = "The access key as it was last", body = AccessKey)),
)]
pub(super) async fn delete(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Word(word): Word,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
) -> Result<Response, Refusal> {
    let id = meant(&word)?;
    let mut before = None;
    if key.is_some() {
        let keys = edge.service().access_keys(None).await?;
        before = keys.iter().find(|known| known.id == id).map(document);
    }
    let (service, asked) = (edge.service_arc(), Asked::to("delete an access key", &id).about(&before));
    let action = async move |turn: Turn| match service.delete_access_key(&id).await {
        Ok(gone) => Ok(Told::ok(&document(&gone))),
        // By whoever had begun.
        Err(error) if turn.is_again && error.kind == ServiceErrorKind::NotFound => {
            match turn.subject::<Option<AccessKey>>().flatten() {
                Some(before) => Ok(Told::ok(&before)),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    };
    edge.once(&caller.account, key, asked, action).await
}

/// What is no id names nothing that there is.
fn meant(word: &str) -> Result<AccessKeyId, Refusal> {
    word.parse().map_err(|_| {
        Refusal::new(ProblemKind::NotFound).detail(format!("failed to find the access key `{word}`"))
    })
}
