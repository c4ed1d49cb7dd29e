//! `imc secrets`: the keys that credentials of caches are sealed with.

use std::process::ExitCode;

use metastore::{CredentialOwner, Metastore};
use secrets::KeyRing;
use settings::Settings;

use crate::app::{App, Keys, key_file};
use crate::args::{SecretsAction, SecretsRotateArgs};
use crate::documents::Rotated;
use crate::exit::Failure;
use crate::printer::Printer;

/// Owners of credentials that are asked for at once.
const PAGE: u32 = 500;

pub(crate) async fn secrets(
    app: &App,
    settings: &Settings,
    action: &SecretsAction,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match action {
        SecretsAction::Rotate(args) => rotate(app, settings, args, printer).await,
    }
}

/// The new key first, on disk, then everything that it seals, and only then are older ones forgotten: killed in between,
/// everything opens still.
async fn rotate(
    app: &App,
    settings: &Settings,
    args: &SecretsRotateArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let path = key_file(&settings.secrets, &settings.data_dir).ok_or_else(|| {
        Failure::configuration(
            "failed to rotate the keys: they are in IMC_SECRET_KEY, which this command cannot change",
            "put a new key on the first line there, start the servers, and take the older ones out later",
        )
    })?;
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::configuration(engine::chain(error), "check secrets.key_file and its permissions")
    };
    let ring = app.keys.ring().map_err(|error| failed(&error))?;
    let rotated = ring.rotated().map_err(|error| failed(&error))?;
    rotated.write(&path).map_err(|error| failed(&error))?;
    let resealed = reseal(&*app.records, &app.keys).await?;
    let kept = if args.forget_older { rotated.only_active() } else { rotated };
    if args.forget_older {
        kept.write(&path).map_err(|error| failed(&error))?;
    }
    let document = Rotated {
        file: path.display().to_string(),
        key: kept.active().to_string(),
        resealed,
        keys_in_file: KeyRing::ids(&kept).count(),
    };
    printer.result(&document, || {
        vec![format!(
            "sealed with the key {} from now on; {resealed} credential(s) sealed anew",
            document.key
        )]
    });
    if document.keys_in_file > 1 {
        printer.note(&format!("{} keys are in {}", document.keys_in_file, document.file));
    }
    Ok(ExitCode::SUCCESS)
}

/// Seals everything anew; how many that was. What is changed meanwhile is sealed anew by whoever changes it.
async fn reseal(records: &dyn Metastore, keys: &Keys) -> Result<u64, Failure> {
    let mut resealed = 0;
    let mut after = None;
    loop {
        let owners = records.credential_owners(after, PAGE).await?;
        let Some(last) = owners.last() else { return Ok(resealed) };
        after = Some(*last);
        for owner in owners {
            resealed += reseal_of(records, keys, owner).await?;
        }
    }
}

async fn reseal_of(records: &dyn Metastore, keys: &Keys, owner: CredentialOwner) -> Result<u64, Failure> {
    let from = records.credentials(owner).await?;
    let (mut to, mut changed) = (Vec::with_capacity(from.len()), 0);
    for sealed in &from {
        let anew = keys.resealed(owner, sealed).map_err(|error| Failure::from(engine::Error::from(error)))?;
        changed += u64::from(anew.is_some());
        to.push(anew.unwrap_or_else(|| sealed.clone()));
    }
    if changed == 0 {
        return Ok(0);
    }
    let done = records.reseal_credentials(owner, &from, &to).await?;
    Ok(if done { changed } else { 0 })
}
