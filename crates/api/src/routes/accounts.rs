//! `/v1/accounts`: who owns caches, instances and access keys.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use wire::{Account, AccountList, CreateAccount};

use crate::auth::{Admin, Allowed};
use crate::edge::Edge;
use crate::extract::{Body, NoQuery, Query};
use crate::refusal::Refusal;

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
    responses((status = 201, description = "The account", body = Account)),
)]
pub(super) async fn create(
    State(edge): State<Edge>,
    _: Allowed<Admin>,
    Query(NoQuery): Query<NoQuery>,
    Body(asked): Body<CreateAccount>,
) -> Result<Response, Refusal> {
    check_label(&asked.label)?;
    let account = edge.service().create_account(&asked.id, &asked.label).await?;
    Ok((StatusCode::CREATED, Json(document(&account))).into_response())
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
