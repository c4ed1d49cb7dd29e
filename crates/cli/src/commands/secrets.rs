//! `imc secrets`: the keys that credentials of caches and secrets of access keys are sealed with.

use std::path::Path;
use std::process::ExitCode;

use metastore::{CredentialOwner, GroupFilter, Metastore, Page};
use rustix::fs::FlockOperation;
use secrets::KeyRing;
use settings::Settings;

use crate::app::{App, Keys, key_file};
use crate::args::{SecretsAction, SecretsRotateArgs};
use crate::documents::Rotated;
use crate::exit::Failure;
use crate::file_lock::FileLock;
use crate::printer::Printer;

/// Owners of credentials, or access keys, that are asked for at once.
const PAGE: u32 = 500;

/// What to do where the key file cannot be read or written.
const ADVICE: &str = "check secrets.key_file and its permissions";

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
    let failed =
        |error: &(dyn std::error::Error + 'static)| Failure::configuration(engine::chain(error), ADVICE);
    // Of two at once, each with a key that the other does not know, one would take the other's out of the file.
    let _turn = turn(&path)?;
    let ring = app.keys.ring().map_err(|error| failed(&error))?;
    let rotated = ring.rotated().map_err(|error| failed(&error))?;
    rotated.write(&path).map_err(|error| failed(&error))?;
    let resealed = until_done(async || pass(&*app.records, &app.keys).await).await?;
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

/// The right to rotate the keys of that file, which one process at a time has.
fn turn(key_file: &Path) -> Result<FileLock, Failure> {
    let mut path = key_file.as_os_str().to_owned();
    path.push(".lock");
    let path = Path::new(&path);
    let taken = FileLock::take(path, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
        Failure::configuration(format!("failed to take the lock {}: {error}", path.display()), ADVICE)
    })?;
    taken.ok_or_else(|| {
        let message = format!(
            "failed to rotate the keys in {}: another `imc secrets rotate` is at it",
            key_file.display()
        );
        Failure::busy(message, "wait for that one to end, and try again")
    })
}

/// What one look at all credentials came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pass {
    /// Credentials that were sealed anew.
    resealed: u64,
    /// Those that were to be, and had been changed meanwhile.
    unfinished: u64,
}

/// Seals everything anew; how many that was. It is looked again until there is nothing left to do: a server may just have
/// sealed with the older key when it changed.
async fn until_done(mut pass: impl AsyncFnMut() -> Result<Pass, Failure>) -> Result<u64, Failure> {
    let mut resealed = 0;
    loop {
        let done = pass().await?;
        resealed += done.resealed;
        if done == Pass::default() {
            return Ok(resealed);
        }
    }
}

async fn pass(records: &dyn Metastore, keys: &Keys) -> Result<Pass, Failure> {
    let credentials = pass_of_credentials(records, keys).await?;
    let secrets = pass_of_access_keys(records, keys).await?;
    let groups = pass_of_groups(records, keys).await?;
    Ok(Pass {
        resealed: credentials.resealed + secrets.resealed + groups.resealed,
        unfinished: credentials.unfinished + secrets.unfinished + groups.unfinished,
    })
}

async fn pass_of_groups(records: &dyn Metastore, keys: &Keys) -> Result<Pass, Failure> {
    let (mut done, mut page) = (Pass::default(), Page::first());
    loop {
        let groups = records.find_groups(&GroupFilter::default(), page).await?;
        let Some(last) = groups.last() else { return Ok(done) };
        page = Page::after(last.id);
        for group in groups {
            let sealed = records.group_secrets(group.id).await?;
            let anew = keys.resealed_group(&group.account, group.id, &sealed);
            let Some(anew) = anew.map_err(|error| Failure::from(engine::Error::from(error)))? else {
                continue;
            };
            match records.reseal_group(group.id, &sealed, &anew).await? {
                true => done.resealed += 1,
                false => done.unfinished += 1,
            }
        }
    }
}

async fn pass_of_access_keys(records: &dyn Metastore, keys: &Keys) -> Result<Pass, Failure> {
    let (mut done, mut after) = (Pass::default(), None);
    loop {
        let page = records.access_keys(None, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.id.clone());
        for key in page {
            let anew = keys.resealed_secret(&key.account, &key.id, &key.secret);
            let Some(anew) = anew.map_err(|error| Failure::from(engine::Error::from(error)))? else {
                continue;
            };
            match records.reseal_access_key(&key.id, &key.secret, &anew).await? {
                true => done.resealed += 1,
                false => done.unfinished += 1,
            }
        }
    }
}

async fn pass_of_credentials(records: &dyn Metastore, keys: &Keys) -> Result<Pass, Failure> {
    let mut done = Pass::default();
    let mut after = None;
    loop {
        let owners = records.credential_owners(after, PAGE).await?;
        let Some(last) = owners.last() else { return Ok(done) };
        after = Some(*last);
        for owner in owners {
            let of_owner = pass_of(records, keys, owner).await?;
            done.resealed += of_owner.resealed;
            done.unfinished += of_owner.unfinished;
        }
    }
}

async fn pass_of(records: &dyn Metastore, keys: &Keys, owner: CredentialOwner) -> Result<Pass, Failure> {
    let from = records.credentials(owner).await?;
    let (mut to, mut changed) = (Vec::with_capacity(from.len()), 0);
    for sealed in &from {
        let anew = keys.resealed(owner, sealed).map_err(|error| Failure::from(engine::Error::from(error)))?;
        changed += u64::from(anew.is_some());
        to.push(anew.unwrap_or_else(|| sealed.clone()));
    }
    if changed == 0 {
        return Ok(Pass::default());
    }
    Ok(match records.reseal_credentials(owner, &from, &to).await? {
        true => Pass { resealed: changed, unfinished: 0 },
        false => Pass { resealed: 0, unfinished: changed },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_changed_meanwhile_is_sealed_before_older_keys_go() {
        let mut passes = [(2, 1), (0, 1), (1, 0), (0, 0)].into_iter();
        let resealed = until_done(async || {
            let (resealed, unfinished) = passes.next().unwrap();
            Ok(Pass { resealed, unfinished })
        });
        assert_eq!(resealed.await.unwrap(), 3);
        assert_eq!(passes.next(), None, "there was more to do");
    }
}
