//! `imc token`: what opens the native API.

use std::process::ExitCode;

use model::AccountId;
use wire::{CreateToken, Scope, Token};

use super::instances::each;
use crate::args::{TokenAction, TokenCreateArgs, TokenRevokeArgs};
use crate::documents::NewToken;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::session::Session;

pub(crate) async fn token(
    session: &Session,
    action: &TokenAction,
    account: Option<&AccountId>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match action {
        TokenAction::Create(args) => create(session, args, account, printer).await,
        TokenAction::List(args) => list(session, args.all, printer).await,
        TokenAction::Revoke(args) => revoke(session, args, printer).await,
    }
}

async fn create(
    session: &Session,
    args: &TokenCreateArgs,
    account: Option<&AccountId>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let new = CreateToken {
        label: args.label.clone(),
        scopes: args.scopes(),
        account: account.cloned(),
        expires_in_seconds: args.seconds(),
    };
    let made = session.once(args.once.client_token.as_ref()).create_token(&new).await?;
    printer.result(&NewToken { token: &made.token, secret: &made.secret }, || vec![made.secret.clone()]);
    let until = made.token.expires.map_or_else(|| "it is revoked".to_owned(), |time| time.to_string());
    printer.note(&format!(
        "token {} of {}, until {until}; it is not shown again",
        made.token.id, made.token.account
    ));
    Ok(ExitCode::SUCCESS)
}

async fn list(session: &Session, all: bool, printer: &Printer) -> Result<ExitCode, Failure> {
    let tokens = session.client.list_tokens(all).await?.items;
    let time = |time: Option<model::Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let row = |token: &Token| {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope: &Scope| scope.as_str()).collect();
        let ends = match token.revoked {
            Some(revoked) => format!("revoked {revoked}"),
            None => time(token.expires),
        };
        vec![
            token.id.clone(),
            token.account.clone(),
            token.label.clone(),
            scopes.join(","),
            token.created.to_string(),
            ends,
            time(token.last_used),
        ]
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    printer.table(&tokens, &["ID", "ACCOUNT", "LABEL", "SCOPES", "CREATED", "ENDS", "LAST USED"], &rows);
    Ok(ExitCode::SUCCESS)
}

async fn revoke(session: &Session, args: &TokenRevokeArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    args.once.for_one_of(&args.tokens)?;
    let client = session.once(args.once.client_token.as_ref());
    let revoke = async |id: &str| {
        client.revoke_token(id).await.map_err(|error| {
            let failure = Failure::from(error);
            match failure.kind {
                "not-found" => {
                    Failure { advice: Some("`imc token list` shows the ids".to_owned()), ..failure }
                }
                _ => failure,
            }
        })
    };
    let (revoked, code) = each(&args.tokens, printer, revoke).await;
    printer.result(&revoked, || revoked.iter().map(|token| format!("{} revoked", token.id)).collect());
    Ok(code)
}
