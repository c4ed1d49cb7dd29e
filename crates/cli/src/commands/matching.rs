//! `imc match`: which caches serve images best, and why the others do not.

use std::collections::BTreeMap;
use std::process::ExitCode;

use engine::{MatchAnswer, MatchQuestion};
use metastore::{CacheFilter, Page};
use model::matching::MatchCondition;
use model::{CacheId, CacheName, ImageSource, RegistryAccess};

use super::create::absolute;
use crate::app::App;
use crate::args::MatchArgs;
use crate::documents::Matched;
use crate::exit::Failure;
use crate::printer::Printer;

pub(crate) async fn explain(app: &App, args: MatchArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let mut images: Vec<ImageSource> = Vec::new();
    for image in args.images {
        let image = absolute(image)?;
        // As the answer has them: each once.
        if !images.contains(&image) {
            images.push(image);
        }
    }
    let condition = match (args.perfect_match, args.match_count) {
        (true, _) => MatchCondition::Perfect,
        (false, Some(least)) => MatchCondition::AtLeast(least),
        (false, None) => MatchCondition::Any,
    };
    let question = MatchQuestion {
        images: images.clone(),
        platform: args.platform,
        policy: args.policy.into(),
        condition,
        space: None,
        limit: args.limit as usize,
        registries: (!args.offline).then(|| (RegistryAccess::default(), BTreeMap::new())),
    };
    let answer = app.engine.explain_match(&app.account, &question).await?;
    let names = names(app, &answer).await?;
    for (image, why) in &answer.by_name_only {
        printer.warning(&format!("{image} is matched by its name alone: {why}"));
    }
    printer.result(&Matched::new(&question, &answer, &names), || lines(&images, &answer, &names));
    Ok(ExitCode::SUCCESS)
}

/// The names of the caches in an answer.
async fn names(app: &App, answer: &MatchAnswer) -> Result<BTreeMap<CacheId, CacheName>, Failure> {
    let (taken, left) = (&answer.ranking.taken, &answer.ranking.left);
    let ids: Vec<CacheId> = taken.iter().map(|one| one.id).chain(left.iter().map(|one| one.id)).collect();
    let filter = CacheFilter { account: Some(app.account.clone()), ids: Some(ids), ..CacheFilter::default() };
    let mut names = BTreeMap::new();
    let mut page = Page::first();
    loop {
        let found = app.records.find_caches(&filter, page).await?;
        let Some(last) = found.last() else { return Ok(names) };
        page = Page::after(last.id);
        names.extend(found.into_iter().map(|cache| (cache.id, cache.name)));
    }
}

fn lines(images: &[ImageSource], answer: &MatchAnswer, names: &BTreeMap<CacheId, CacheName>) -> Vec<String> {
    let ranking = &answer.ranking;
    let name = |id: &CacheId| names.get(id).map_or_else(String::new, |name| format!(" {name}"));
    let mut lines = Vec::new();
    for (place, taken) in (1..).zip(&ranking.taken) {
        lines.push(format!("{place}.{} ({}): {}", name(&taken.id), taken.id, taken.reason));
        let each = images.iter().zip(&taken.images);
        lines.extend(each.map(|(image, how)| format!("     {image} {how}")));
    }
    for left in &ranking.left {
        lines.push(format!("not{} ({}): {}", name(&left.id), left.id, left.because));
    }
    let untold =
        (ranking.taken_in_all + ranking.left_in_all).saturating_sub(ranking.taken.len() + ranking.left.len());
    if untold > 0 {
        lines.push(format!("and {untold} more (--limit)"));
    }
    if ranking.taken.is_empty() {
        lines.push(format!(
            "no cache serves it; {} have nothing in common with it",
            ranking.nothing_in_common
        ));
    }
    lines
}
