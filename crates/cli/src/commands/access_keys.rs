//! `imc account` and `imc access-key`: who signs requests to the clouds' interfaces, and with what.

use std::path::Path;
use std::process::ExitCode;

use model::AccountId;
use wire::{AccessKey, Account, CreateAccessKey, CreateAccount, KeyStatus, PolicyPreset};

use super::instances::each;
use crate::args::{AccessKeyAction, AccessKeyCreateArgs, AccessKeyIdArgs, AccountAction};
use crate::documents::NewAccessKey;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::session::Session;

pub(crate) async fn account(
    session: &Session,
    action: &AccountAction,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match action {
        AccountAction::Create(args) => {
            let new = CreateAccount { id: args.id.clone(), label: args.label.clone() };
            let made = session.once(args.once.client_token.as_ref()).create_account(&new).await.map_err(
                |error| {
                    let advice = "choose another name; `imc account list` shows the accounts";
                    advised(error, "name-taken", advice)
                },
            )?;
            printer.result(&made, || vec![format!("account {} created", made.id)]);
        }
        AccountAction::List => {
            let accounts = session.client.list_accounts().await?.items;
            let row = |one: &Account| vec![one.id.clone(), one.label.clone(), one.created.to_string()];
            let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
            printer.table(&accounts, &["ACCOUNT", "LABEL", "CREATED"], &rows);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn access_key(
    session: &Session,
    action: &AccessKeyAction,
    account: Option<&AccountId>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match action {
        AccessKeyAction::Create(args) => create(session, args, account, printer).await,
        AccessKeyAction::List(args) => list(session, account.filter(|_| !args.all), printer).await,
        AccessKeyAction::Disable(args) => set_status(session, args, KeyStatus::Disabled, printer).await,
        AccessKeyAction::Enable(args) => set_status(session, args, KeyStatus::Enabled, printer).await,
        AccessKeyAction::Delete(args) => delete(session, args, printer).await,
    }
}

async fn create(
    session: &Session,
    args: &AccessKeyCreateArgs,
    account: Option<&AccountId>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let preset = if args.read_only { PolicyPreset::ReadOnly } else { PolicyPreset::Full };
    let new = CreateAccessKey {
        account: account.cloned(),
        label: args.label.clone(),
        preset: policy.is_none().then_some(preset),
        policy,
    };
    let made = session.once(args.once.client_token.as_ref()).create_access_key(&new).await;
    let made =
        made.map_err(|error| advised(error, "not-found", "`imc account create NAME` makes an account"))?;
    printer.result(&NewAccessKey { key: &made.key, secret: &made.secret }, || {
        vec![format!("access key id      {}", made.key.id), format!("access key secret  {}", made.secret)]
    });
    printer.note(&format!(
        "an access key of {}, {}; the secret is not shown again",
        made.key.account,
        access(&made.key)
    ));
    Ok(ExitCode::SUCCESS)
}

const NO_POLICY: &str = "write the policy into a file and name that; `imc access-key create --help` has one";

/// The policy that the file holds. What it says is read where it will be kept to.
fn policy(file: &Path) -> Result<serde_json::Value, Failure> {
    let text = std::fs::read(file).map_err(|error| {
        let failure = Failure::system(format_args!("read the policy {}", file.display()), &error);
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::not_found(failure.message, NO_POLICY),
            _ => failure,
        }
    })?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::input(format!("failed to read the policy {}: {error}", file.display())))
}

/// What it may do, in a word.
fn access(key: &AccessKey) -> &'static str {
    match key.preset {
        Some(PolicyPreset::Full) => "full access",
        Some(PolicyPreset::ReadOnly) => "read only",
        None => "by its policy",
    }
}

async fn list(
    session: &Session,
    account: Option<&AccountId>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let keys = session.client.list_access_keys(account).await?.items;
    let row = |key: &AccessKey| {
        vec![
            key.id.to_string(),
            key.account.clone(),
            key.status.as_str().to_owned(),
            access(key).to_owned(),
            key.label.clone(),
            key.created.to_string(),
            key.last_used.map_or_else(|| "-".to_owned(), |time| time.to_string()),
        ]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    printer.table(&keys, &["ID", "ACCOUNT", "STATUS", "ACCESS", "LABEL", "CREATED", "LAST USED"], &rows);
    Ok(ExitCode::SUCCESS)
}

async fn set_status(
    session: &Session,
    args: &AccessKeyIdArgs,
    status: KeyStatus,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    args.once.for_one_of(&args.keys)?;
    let client = session.once(args.once.client_token.as_ref());
    let set = async |id: &str| client.set_access_key_status(id, status).await.map_err(not_listed);
    let (changed, code) = each(&args.keys, printer, set).await;
    let line = |key: &AccessKey| format!("{} {}", key.id, key.status.as_str());
    printer.result(&changed, || changed.iter().map(line).collect());
    Ok(code)
}

async fn delete(session: &Session, args: &AccessKeyIdArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    args.once.for_one_of(&args.keys)?;
    let client = session.once(args.once.client_token.as_ref());
    let delete = async |id: &str| client.delete_access_key(id).await.map_err(not_listed);
    let (deleted, code) = each(&args.keys, printer, delete).await;
    printer.result(&deleted, || deleted.iter().map(|key| format!("{} deleted", key.id)).collect());
    Ok(code)
}

fn not_listed(error: client::Error) -> Failure {
    advised(error, "not-found", "`imc access-key list --all` shows the ids")
}

/// The failure with that advice, where it is of that kind.
fn advised(error: client::Error, kind: &str, advice: &str) -> Failure {
    let failure = Failure::from(error);
    match failure.kind == kind {
        true => Failure { advice: Some(advice.to_owned()), ..failure },
        false => failure,
    }
}
