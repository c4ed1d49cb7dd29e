//! `imc list`, `show`, `events`, `rollback`, `delete`, `usage`.

use std::process::ExitCode;

use client::{Client, ListCaches};
use model::{CacheId, CacheState, InstanceId};
use wire::{Cache, CacheDetails, Copies, CopyState, Cost, Event, Eviction, Order, ProblemKind, Staleness};

use crate::args::{DeleteArgs, ListArgs, RollbackArgs};
use crate::documents::{self, Shown, all};
use crate::exit::Failure;
use crate::printer::Printer;
use crate::progress::short;
use crate::session::Session;

use super::instances::each;

pub(crate) async fn list(session: &Session, args: &ListArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let wanted = ListCaches {
        names: args.name.clone(),
        states: args.state.clone(),
        origin: args.origin,
        image: args.image.clone().map(super::create::absolute).transpose()?,
        repository: args.repository.clone(),
        tags: args.tags().collect(),
        order: if args.newest_first { Order::NewestFirst } else { Order::OldestFirst },
        ..ListCaches::default()
    };
    let caches = session.client.all_caches(&wanted).await?;
    let rows: Vec<Vec<String>> = caches.iter().map(row).collect();
    let documents: Vec<documents::Cache> = all(&caches);
    printer.table(&documents, &["NAME", "ID", "STATE", "UNPACKED", "CREATED", "LAST USED", "IMAGES"], &rows);
    Ok(ExitCode::SUCCESS)
}

fn row(cache: &Cache) -> Vec<String> {
    let images = match cache.images.as_slice() {
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    };
    let size = cache.unpacked_bytes.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let used = cache.last_used.map_or_else(|| "-".to_owned(), |time| time.to_string());
    vec![
        cache.name.to_string(),
        cache.id.to_string(),
        state(cache),
        size,
        cache.created.to_string(),
        used,
        images,
    ]
}

/// As a person reads it.
pub(crate) fn state(cache: &Cache) -> String {
    let state = CacheState::from(cache.state);
    match (cache.deleting, cache.interrupted) {
        (Some(_), _) => format!("{state} (being deleted)"),
        (None, true) => format!("{state} (interrupted)"),
        (None, false) if state.is_building() && cache.progress_percent > 0 => {
            format!("{state} ({} %)", cache.progress_percent)
        }
        (None, false) => state.to_string(),
    }
}

pub(crate) async fn show(session: &Session, word: &str, printer: &Printer) -> Result<ExitCode, Failure> {
    let details = session.client.cache(word).await?;
    printer.result(&Shown::from(&details), || lines(&details));
    if details.others_of_name > 0 {
        printer.note(&format!(
            "{} other cache(s) have this name; `imc list` shows their ids",
            details.others_of_name
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(details: &CacheDetails) -> Vec<String> {
    let cache = &details.cache;
    let mut lines = vec![
        format!("Name:      {}", cache.name),
        format!("Id:        {}", cache.id),
        format!("State:     {}", state(cache)),
    ];
    if cache.interrupted {
        lines.push(
            "Failure:   the build's process ended; the same `imc create` goes on from there".to_owned(),
        );
    }
    if let Some(failure) = &cache.failure {
        lines.push(format!("Failure:   {}: {}", failure.reason, failure.message));
    }
    lines.push(format!("Platform:  {}", cache.platform));
    let unpacked = cache.unpacked_bytes.unwrap_or_default();
    lines.push(format!("Size:      {unpacked} unpacked of at most {}", cache.size_limit_bytes));
    if let Some(sizes) = &details.sizes {
        let freed = sizes.exclusive_bytes.plus(sizes.generations_bytes);
        lines
            .push(format!("           {} shared with others; deleting it frees {freed}", sizes.shared_bytes));
    }
    lines.extend(details.cost.as_ref().map(cost));
    lines.push(format!("Created:   {}", cache.created));
    if let Some(used) = cache.last_used {
        lines.push(format!("Last used: {used}"));
    }
    if let Some(expires) = cache.expires {
        lines.push(format!("Expires:   {expires}"));
    }
    lines.extend(rules(cache));
    if !cache.tags.is_empty() {
        let tags: Vec<String> = cache.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.push(format!("Tags:      {}", tags.join(", ")));
    }
    lines.extend(pinned(details));
    lines.extend(cache.snapshot.and_then(|_| copies(cache.copies)));
    for generation in &cache.generations {
        lines.push(format!(
            "Before:    {}, until {}; kept until {}",
            generation.snapshot, generation.replaced, generation.kept_until
        ));
    }
    if cache.savings.starts > 0 {
        let saved = &cache.savings;
        let seconds = saved.milliseconds / 1000;
        lines
            .push(format!("Saved:     {} and {seconds} s by {} start(s)", saved.fetched_bytes, saved.starts));
    }
    lines
}

/// What its owner said of it that does not go without saying.
fn rules(cache: &Cache) -> Vec<String> {
    let staleness = match cache.staleness {
        Staleness::Pinned => None,
        Staleness::Refresh { interval_seconds } => {
            Some(format!("Staleness: refresh, every {} s", interval_seconds.get()))
        }
        Staleness::Strict => Some("Staleness: strict".to_owned()),
    };
    let eviction = match cache.eviction {
        Eviction::Keep => None,
        Eviction::Lru => Some("Eviction:  lru".to_owned()),
    };
    staleness.into_iter().chain(eviction).collect()
}

/// Where flash and standard snapshot are not one and the same.
fn copies(copies: Copies) -> Option<String> {
    let word = |state| match state {
        CopyState::Absent => "absent".to_owned(),
        CopyState::Copying { progress_percent } => format!("{progress_percent} %"),
        CopyState::Complete => "complete".to_owned(),
    };
    match (copies.flash, copies.standard) {
        (CopyState::Complete, CopyState::Complete) => None,
        (flash, standard) => Some(format!("Copies:    flash {}, standard {}", word(flash), word(standard))),
    }
}

/// Space over time, and what that is worth where it has a price.
fn cost(cost: &Cost) -> String {
    let hours =
        format!("{:.2} GiB-hours of snapshot, {:.2} of disk", cost.snapshot_gib_hours, cost.disk_gib_hours);
    let amount = match &cost.currency {
        _ if cost.amount <= 0.0 => String::new(),
        Some(currency) => format!(": {:.4} {currency}", cost.amount),
        None => format!(": {:.4}", cost.amount),
    };
    format!("Cost:      {hours}{amount}")
}

fn pinned(details: &CacheDetails) -> Vec<String> {
    let cache = &details.cache;
    let (Some(snapshot), Some(at)) = (cache.snapshot, details.pinned_at) else {
        let lost = cache.snapshot.map(|snapshot| {
            format!("Kept as:   image snapshot {snapshot} is gone from the store: create the cache again")
        });
        let images = cache.images.iter().map(|image| format!("Image:     {image}"));
        return lost.into_iter().chain(images).collect();
    };
    let mut lines = vec![format!("Kept as:   image snapshot {snapshot} of {at}")];
    for image in &details.pinned {
        lines.push(format!("Image:     {}", image.source));
        lines.push(format!("  pinned to {} ({})", image.manifest_digest, image.platform));
        if image.is_merged {
            lines.push(
                "  started from a merged metadata image, since its layers lean on each other".to_owned(),
            );
        }
        for layer in &image.layers {
            let (digest, served) = (short(&layer.digest), layer.compressed_bytes);
            lines.push(format!("  layer {digest}: {served} as served, {} unpacked", layer.unpacked_bytes));
        }
    }
    lines
}

pub(crate) async fn events(session: &Session, word: &str, printer: &Printer) -> Result<ExitCode, Failure> {
    let (events, also) = found_events(&session.client, word).await?;
    if events.is_empty() {
        return Err(no_events(word));
    }
    let row = |event: &Event| {
        let cells = [event.last.to_string(), event.count.to_string(), event.kind.clone()];
        [cells.as_slice(), &[event.reason.clone(), event.message.clone()]].concat()
    };
    let rows: Vec<Vec<String>> = events.iter().map(row).collect();
    if let Some(also) = also {
        printer.note(&also);
    }
    printer.table(&events, &["LAST", "COUNT", "KIND", "REASON", "MESSAGE"], &rows);
    Ok(ExitCode::SUCCESS)
}

fn no_events(word: &str) -> Failure {
    Failure::not_found(
        format!("failed to find events of `{word}`"),
        "`imc list` and `imc ps -a` show what there is",
    )
}

/// Those of the cache that a word means, else of the instance; and who else has that name.
async fn found_events(client: &Client, word: &str) -> Result<(Vec<Event>, Option<String>), Failure> {
    let is_id = word.parse::<CacheId>().is_ok();
    let details = match client.cache(word).await {
        Err(error) if error.problem_kind() == Some(ProblemKind::NotFound) => None,
        found => Some(found?),
    };
    let Some(details) = details else {
        // The events of what is gone stay for a while, by its id.
        let events = match is_id {
            true => client.cache_events(word).await,
            false => client.instance_events(word).await,
        };
        return match events {
            Err(error) if error.problem_kind() == Some(ProblemKind::NotFound) => {
                let unknown = Failure::from(error);
                let advice = no_events(word).advice;
                // What is gone has an id, and had events.
                let could_be_gone = is_id || word.parse::<InstanceId>().is_ok();
                Err(if could_be_gone { no_events(word) } else { Failure { advice, ..unknown } })
            }
            events => Ok((events?.items, None)),
        };
    };
    let mut others = Vec::new();
    match details.others_of_name {
        0 => {}
        1 => others.push("1 other cache is named".to_owned()),
        several => others.push(format!("{several} other caches are named")),
    }
    if !is_id && let Ok(instance) = client.instance(word).await {
        others.push(format!("the instance {} is named", instance.id));
    }
    let id = details.cache.id;
    let also =
        (!others.is_empty()).then(|| format!("these are of {id}; {} `{word}` as well", others.join(" and ")));
    Ok((client.cache_events(&id.to_string()).await?.items, also))
}

pub(crate) async fn roll_back(
    session: &Session,
    args: &RollbackArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let cache = session.once(args.once.client_token.as_ref()).roll_back_cache(&args.cache, args.to).await;
    let cache = cache.map_err(|error| match error.problem_kind() {
        Some(ProblemKind::NotFound) => Failure {
            advice: Some("`imc list` shows the caches, `imc show CACHE` what one served before".to_owned()),
            ..Failure::from(error)
        },
        _ => error.into(),
    })?;
    let snapshot = cache.snapshot.map(|snapshot| snapshot.to_string()).unwrap_or_default();
    printer.result(&documents::Cache::from(&cache), || {
        vec![format!("cache {} ({}) serves the image snapshot {snapshot} again", cache.name, cache.id)]
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn usage(session: &Session, printer: &Printer) -> Result<ExitCode, Failure> {
    let usage = session.client.usage().await?;
    printer.result(&usage, || {
        vec![
            format!("created by users:  {} of at most {} caches", usage.manual_caches, usage.manual_quota),
            format!(
                "created by starts: {} of at most {} caches",
                usage.automatic_caches, usage.automatic_quota
            ),
        ]
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn delete(
    session: &Session,
    args: &DeleteArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    args.once.for_one_of(&args.caches)?;
    let client = &session.once(args.once.client_token.as_ref());
    // One that cannot be deleted keeps none of the others. A request that comes again may be about a cache that is gone: with a
    // token its word is told as it is.
    let ids = async |word: &str| match args.once.client_token {
        Some(_) => Ok(vec![word.to_owned()]),
        None => ids(client, word, args.all).await,
    };
    let (ids, unknown) = each(&args.caches, printer, ids).await;
    let delete = async |id: &str| Ok(client.delete_cache(id, args.when_unused).await?);
    let (deleted, undeleted) = each(&ids.concat(), printer, delete).await;
    if let Some(app) = &session.app {
        app.forget_old_events().await;
    }
    let line = |one: &wire::Deleted| {
        let what = if one.gone { "deleted" } else { "goes once nothing uses it" };
        format!("{} ({}) {what}", one.cache.name, one.cache.id)
    };
    let documents: Vec<documents::Cache> = all(deleted.iter().map(|one| &one.cache));
    printer.result(&documents, || deleted.iter().map(line).collect());
    if deleted.iter().any(|one| one.gone && one.cache.state != wire::CacheState::Failed) {
        printer.note("its blobs stay until `imc gc`");
    }
    Ok(if unknown == ExitCode::SUCCESS { undeleted } else { unknown })
}

/// The ids that a word of `delete` means: one, or with `--all` every cache of that name.
async fn ids(client: &Client, word: &str, all: bool) -> Result<Vec<String>, Failure> {
    let found = client.cache(word).await?;
    let by_id = word.parse() == Ok(found.cache.id);
    if by_id || found.others_of_name == 0 {
        return Ok(vec![found.cache.id.to_string()]);
    }
    let wanted = ListCaches { names: vec![found.cache.name.clone()], ..ListCaches::default() };
    let named = client.all_caches(&wanted).await?;
    match all {
        true => Ok(named.iter().map(|cache| cache.id.to_string()).collect()),
        false => Err(several(word, &named)),
    }
}

/// Several caches have the name. Where all but one are attempts that came to nothing, that one is probably to stay.
fn several(word: &str, named: &[Cache]) -> Failure {
    let came_to_nothing = |cache: &&Cache| cache.interrupted || cache.state == wire::CacheState::Failed;
    let built: Vec<CacheId> =
        named.iter().filter(|cache| !came_to_nothing(cache)).map(|cache| cache.id).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_told_where_they_are_two() {
        let (flash, standard) = (CopyState::Complete, CopyState::Copying { progress_percent: 40 });
        assert_eq!(copies(Copies { flash, standard }).unwrap(), "Copies:    flash complete, standard 40 %");
        let released = Copies { flash: CopyState::Absent, standard: CopyState::Complete };
        assert_eq!(copies(released).unwrap(), "Copies:    flash absent, standard complete");
        assert_eq!(copies(Copies { flash, standard: CopyState::Complete }), None);
    }

    #[test]
    fn an_amount_is_told_where_space_has_a_price() {
        let of = |amount, currency: Option<&str>| {
            let currency = currency.map(ToOwned::to_owned);
            cost(&Cost { snapshot_gib_hours: 4.5, disk_gib_hours: 20.0, amount, currency })
        };
        let hours = "Cost:      4.50 GiB-hours of snapshot, 20.00 of disk";
        assert_eq!(of(0.0, None), hours);
        assert_eq!(of(0.0, Some("EUR")), hours);
        assert_eq!(of(1.25, None), format!("{hours}: 1.2500"));
        assert_eq!(of(1.25, Some("EUR")), format!("{hours}: 1.2500 EUR"));
    }
}
