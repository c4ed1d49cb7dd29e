//! `imc list`, `show`, `events`, `delete`.

use std::process::ExitCode;

use engine::{CacheView, DeleteMode, Deletion};
use model::{CacheId, CacheState, Event, ImageSnapshot, Subject};

use crate::app::App;
use crate::args::DeleteArgs;
use crate::documents::{Cache, Shown, all};
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress::short;

use super::instances::{each, find_instance};

pub(crate) async fn list(app: &App, printer: &Printer) -> Result<ExitCode, Failure> {
    let caches = app.engine.list_caches(&app.account).await?;
    let rows: Vec<Vec<String>> = caches
        .iter()
        .map(|view| {
            let cache = &view.cache;
            let images = match cache.images.as_slice() {
                [only] => only.to_string(),
                [first, rest @ ..] => format!("{first} and {} more", rest.len()),
                [] => String::new(),
            };
            let size = cache.unpacked_size.map_or_else(|| "-".to_owned(), |size| size.to_string());
            let used = cache.last_used.map_or_else(|| "-".to_owned(), |time| time.to_string());
            vec![
                cache.name.to_string(),
                cache.id.to_string(),
                state(view),
                size,
                cache.created.to_string(),
                used,
                images,
            ]
        })
        .collect();
    let documents: Vec<Cache> = all(&caches);
    printer.table(&documents, &["NAME", "ID", "STATE", "UNPACKED", "CREATED", "LAST USED", "IMAGES"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// As a person reads it.
fn state(view: &CacheView) -> String {
    match view.interrupted {
        true => format!("{} (interrupted)", view.cache.state),
        false => view.cache.state.to_string(),
    }
}

pub(crate) async fn show(app: &App, word: &str, printer: &Printer) -> Result<ExitCode, Failure> {
    let found = app.engine.find_cache(&app.account, word).await?;
    let snapshot = app.engine.snapshot_of(&found.cache).await?;
    // Whether its build runs still is known of all at once.
    let views = app.engine.list_caches(&app.account).await?;
    let view = views.into_iter().find(|view| view.cache.id == found.cache.id);
    let view = view.unwrap_or(CacheView { cache: found.cache, interrupted: false, expires: None });
    printer.result(&Shown::new(&view, snapshot.as_ref()), || lines(&view, snapshot.as_ref()));
    if !found.others.is_empty() {
        printer.note(&format!(
            "{} other cache(s) have this name; `imc list` shows their ids",
            found.others.len()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(view: &CacheView, snapshot: Option<&ImageSnapshot>) -> Vec<String> {
    let cache = &view.cache;
    let mut lines = vec![
        format!("Name:      {}", cache.name),
        format!("Id:        {}", cache.id),
        format!("State:     {}", state(view)),
    ];
    if view.interrupted {
        lines.push(
            "Failure:   the build's process ended; the same `imc create` goes on from there".to_owned(),
        );
    }
    if let Some(failure) = &cache.failure {
        lines.push(format!("Failure:   {}: {}", failure.reason, failure.message));
    }
    lines.push(format!("Platform:  {}", cache.platform));
    let unpacked = cache.unpacked_size.unwrap_or_default();
    lines.push(format!("Size:      {unpacked} unpacked of at most {}", cache.size_limit));
    lines.push(format!("Created:   {}", cache.created));
    if let Some(used) = cache.last_used {
        lines.push(format!("Last used: {used}"));
    }
    let Some(snapshot) = snapshot else {
        lines.extend(cache.images.iter().map(|image| format!("Image:     {image}")));
        return lines;
    };
    lines.push(format!("Kept as:   image snapshot {} of {}", snapshot.id, snapshot.created));
    for image in &snapshot.images {
        lines.push(format!("Image:     {}", image.source));
        lines.push(format!("  pinned to {} ({})", image.manifest_digest, image.platform));
        if image.merged.is_some() {
            lines.push(
                "  started from a merged metadata image, since its layers lean on each other".to_owned(),
            );
        }
        for layer in &image.layers {
            let (digest, served) = (short(&layer.descriptor.digest), layer.descriptor.size);
            lines.push(format!("  layer {digest}: {served} as served, {} unpacked", layer.blob_size));
        }
    }
    lines
}

pub(crate) async fn events(app: &App, word: &str, printer: &Printer) -> Result<ExitCode, Failure> {
    let (subject, others) = subject(app, word).await?;
    let events = app.engine.events(&app.account, subject).await?;
    if events.is_empty() {
        return Err(Failure::not_found(
            format!("failed to find events of `{word}`"),
            "`imc list` and `imc ps -a` show what there is",
        ));
    }
    let row = |event: &Event| {
        let cells = [event.last.to_string(), event.count.to_string(), event.kind.as_str().to_owned()];
        [cells.as_slice(), &[event.reason.to_string(), event.message.clone()]].concat()
    };
    let rows: Vec<Vec<String>> = events.iter().map(row).collect();
    if !others.is_empty() {
        printer.note(&format!("these are of {subject}; {} `{word}` as well", others.join(" and ")));
    }
    printer.table(&events, &["LAST", "COUNT", "KIND", "REASON", "MESSAGE"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// Whose events a word asks for, and who else has that name.
async fn subject(app: &App, word: &str) -> Result<(Subject, Vec<String>), Failure> {
    let found = match app.engine.find_cache(&app.account, word).await {
        Ok(found) => found,
        Err(engine::Error::UnknownCache { .. }) => {
            // The events of what is gone stay for a while, by its id.
            let subject = match (word.parse(), word.parse()) {
                (Ok(id), _) => Subject::Cache(id),
                (_, Ok(id)) => Subject::Instance(id),
                _ => Subject::Instance(find_instance(app, word).await?.id),
            };
            return Ok((subject, Vec::new()));
        }
        Err(error) => return Err(error.into()),
    };
    let mut others = Vec::new();
    match found.others.len() {
        0 => {}
        1 => others.push("1 other cache is named".to_owned()),
        several => others.push(format!("{several} other caches are named")),
    }
    if word.parse::<CacheId>().is_err()
        && let Ok(instance) = find_instance(app, word).await
    {
        others.push(format!("the instance {} is named", instance.id));
    }
    Ok((Subject::Cache(found.cache.id), others))
}

pub(crate) async fn delete(app: &App, args: &DeleteArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    super::reconcile::reconcile(app, printer).await?;
    // One that cannot be deleted keeps none of the others.
    let (ids, unknown) = each(&args.caches, printer, async |word| ids(app, word, args.all).await).await;
    let delete = async |id: &str| Ok(app.engine.delete_cache(&app.account, id, DeleteMode::Refuse).await?);
    let (deleted, undeleted) = each(&ids.concat(), printer, delete).await;
    app.forget_old_events().await;
    let line = |one: &Deletion| format!("{} ({}) deleted", one.cache().name, one.cache().id);
    let documents: Vec<Cache> = all(deleted.iter().map(Deletion::cache));
    printer.result(&documents, || deleted.iter().map(line).collect());
    if deleted.iter().any(|one| one.cache().state != CacheState::Failed) {
        printer.note("its blobs stay until `imc gc`");
    }
    Ok(if unknown == ExitCode::SUCCESS { undeleted } else { unknown })
}

/// The ids that a word of `delete` means: one, or with `--all` every cache of that name.
async fn ids(app: &App, word: &str, all: bool) -> Result<Vec<String>, Failure> {
    let found = app.engine.find_cache(&app.account, word).await?;
    let by_id = word.parse() == Ok(found.cache.id);
    if by_id || found.others.is_empty() {
        return Ok(vec![found.cache.id.to_string()]);
    }
    let mut named = app.engine.list_caches(&app.account).await?;
    named.retain(|view| view.cache.name == found.cache.name);
    match all {
        true => Ok(named.iter().map(|view| view.cache.id.to_string()).collect()),
        false => Err(several(word, &named)),
    }
}

/// Several caches have the name. Where all but one are attempts that came to nothing, that one is probably to stay.
fn several(word: &str, named: &[CacheView]) -> Failure {
    let came_to_nothing = |view: &&CacheView| view.interrupted || view.cache.state == CacheState::Failed;
    let built: Vec<CacheId> =
        named.iter().filter(|view| !came_to_nothing(view)).map(|view| view.cache.id).collect();
    let advice = match built.as_slice() {
        [] => format!("all of them failed to build: `imc delete --all {word}` deletes them"),
        [only] => format!(
            "all but {only} failed to build; delete that one by its id, or all with `imc delete --all {word}`"
        ),
        _ => format!("`imc list` shows their ids; `imc delete --all {word}` deletes every one"),
    };
    let message =
        format!("failed to choose a cache: {} caches are named `{word}`; say which by its id", named.len());
    Failure { advice: Some(advice), ..Failure::input(message) }
}
