//! `/v1/accounts`: who owns caches, instances and access keys.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use wire::{Account, AccountList, CreateAccount};

use crate::auth::{Admin, Allowed};
use crate::edge::Edge;
use crate::extract::{Body, Key, NoQuery, Query};
use crate::once::{Asked, Told, Turn};
use crate::refusal::Refusal;
use crate::service::ServiceErrorKind;

/// The longest label, in characters.
const LONGEST_LABEL: usize = 128;

fn document(account: &model::Account) -> Account {
    Account { id: account.id.to_string(), label: account.label.clone(), created: account.created }
}

/// A label that may be empty.
pub(super) fn check_label(label: &str) -> Result<(), Refusal> {
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        let allowed = format!("at most {LONGEST_LABEL} characters, none a control character");
        return Err(Refusal::out_of_range("label", "the text", &allowed));
    }
    Ok(())
}

/// Create an account
///
/// An access key needs one. `local` is always there.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "accounts", operation_id = "create_account",
    request_body = CreateAccount,
    params(("Idempotency-Key" = Option<String>, Header, description = "Tells a request that comes again from a further one")),
    responses((status = 201, description = "The account", body = Account)),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    caller: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Key(key): Key,
    Body(wish): Body<CreateAccount>,
) -> Result<Response, Refusal> {
    check_label(&wish.label)?;
    let asked = Asked::to("create an account", &wish);
    let service = edge.service_arc();
    let action = async move |turn: Turn| {
        let account = match service.create_account(&wish.id, &wish.label).await {
            Err(error) if turn.is_again && error.kind == ServiceErrorKind::NameTaken => {
                // By whoever had begun.
                let made = service.accounts().await?.into_iter().find(|account| account.id == wish.id);
                made.filter(|account| account.label == wish.label).ok_or(error)?
            }
            made => made?,
        };
        Ok(Told::new(StatusCode::CREATED, &document(&account)))
    };
    edge.once(&caller.account, key, asked, action).await
}

/// List accounts
///
/// Every account that was created or had anything when accounts were first recorded, in order of their ids.
#[utoipa::path(
    get, path = "/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    responses((status = 200, description = "The accounts", body = AccountList)),
)]
pub(super) async fn list(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<AccountList>, Refusal> {
    let accounts = edge.service().accounts().await?;
    Ok(Json(AccountList { items: accounts.iter().map(document).collect() }))
}
