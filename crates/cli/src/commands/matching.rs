//! `imc match`: which caches serve images best, and why the others do not.

use std::process::ExitCode;

use model::matching::{Grade, ImageMatch, LeftBecause, Reason};
use model::{ByteSize, ImageSource};
use wire::{FindMatches, Found, Ranking};

use super::create::absolute;
use crate::args::MatchArgs;
use crate::documents::Matched;
use crate::exit::Failure;
use crate::printer::Printer;
use crate::session::Session;

pub(crate) async fn explain(
    session: &Session,
    args: MatchArgs,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let mut images: Vec<ImageSource> = Vec::new();
    for image in args.images {
        let image = absolute(image)?;
        // As the answer has them: each once.
        if !images.contains(&image) {
            images.push(image);
        }
    }
    let access = session.access(&images).await?;
    let question = FindMatches {
        platform: Some(args.platform.clone()),
        policy: args.policy.into(),
        perfect_match: args.perfect_match,
        match_count: args.match_count,
        limit: Some(args.limit),
        by_name_only: args.offline,
        plain_http: access.plain_http,
        insecure: access.insecure,
        credentials: access.credentials,
        ..FindMatches::of(images)
    };
    let ranking = session.client.match_images(&question).await?;
    for one in ranking.by_name_only.iter().filter(|_| !args.offline) {
        printer.warning(&format!("{} is matched by its name alone: {}", one.image, one.reason));
    }
    printer.result(&Matched::new(&question, &args.platform, &ranking), || lines(&question, &ranking));
    Ok(ExitCode::SUCCESS)
}

fn lines(question: &FindMatches, ranking: &Ranking) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, taken) in (1..).zip(&ranking.taken) {
        let reason = taken_reason(taken, question.images.len());
        lines.push(format!("{place}. {} ({}): {reason}", taken.name, taken.id));
        lines.extend(taken.images.iter().map(|one| format!("     {} {}", one.image, image_match(one))));
    }
    for left in &ranking.left {
        lines.push(format!("not {} ({}): {}", left.name, left.id, left_reason(left)));
    }
    let told = ranking.taken.len() + ranking.left.len();
    let untold = (ranking.taken_total + ranking.left_total).saturating_sub(told as u64);
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

/// Why a cache stands where it stands, in the words of the model.
pub(crate) fn taken_reason(taken: &wire::Taken, wanted: usize) -> String {
    let grade = match taken.grade {
        wire::Grade::Alibaba { whole, other_tag } => Grade::Alibaba { whole, other_tag },
        wire::Grade::Tencent { names } => Grade::Tencent { names },
        wire::Grade::Content { perfect, saved_bytes } => Grade::Content { perfect, saved: saved_bytes },
    };
    Reason { grade, wanted: wanted as u64, size: taken.compared_bytes }.to_string()
}

/// Why a cache may not be used, in the words of the model.
pub(crate) fn left_reason(left: &wire::Left) -> String {
    let because = match &left.because {
        wire::LeftBecause::NothingInCommon => LeftBecause::NothingInCommon,
        wire::LeftBecause::State => LeftBecause::State(left.state.into()),
        wire::LeftBecause::Platform { platform } => LeftBecause::Platform(platform.clone()),
        wire::LeftBecause::LargerThanSpace { size_bytes, space_bytes } => {
            LeftBecause::LargerThanSpace { size: *size_bytes, space: *space_bytes }
        }
        wire::LeftBecause::NotPerfect { have, wanted } => {
            LeftBecause::NotPerfect { have: *have, wanted: *wanted }
        }
        wire::LeftBecause::TooFewImages { have, at_least } => {
            LeftBecause::TooFewImages { have: *have, at_least: *at_least }
        }
    };
    because.to_string()
}

fn image_match(image: &wire::ImageMatch) -> ImageMatch {
    let bytes = |bytes: Option<ByteSize>| bytes.unwrap_or_default();
    match image.found {
        Found::Exact => ImageMatch::Exact,
        Found::SamePinned => ImageMatch::SamePinned,
        Found::AllLayers => ImageMatch::AllLayers,
        Found::OtherTag => ImageMatch::OtherTag,
        Found::Layers => ImageMatch::Layers { bytes: bytes(image.here_bytes), of: bytes(image.of_bytes) },
        Found::Missing => ImageMatch::Missing,
    }
}
