//! Links between the documents: to a file that is there, to a heading that it has, and from the book to nothing outside it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::{is_page, read};

/// Documents beside the book whose links are looked at as well.
const BESIDE: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in
        files.iter().filter(|path| is_page(path) || BESIDE.iter().any(|name| **path == Path::new(name)))
    {
        let text = read(root, path)?;
        for target in targets(&text) {
            if let Some(wrong) = wrong(root, files, path, target)? {
                findings.push(format!("book: {}: the link to {target} {wrong}", path.display()));
            }
        }
    }
    Ok(findings)
}

/// What is wrong with a link; nothing where it leads somewhere.
fn wrong(root: &Path, files: &[PathBuf], from: &Path, target: &str) -> Result<Option<&'static str>> {
    let Some(to) = resolve(from, target) else { return Ok(None) };
    if is_page(from) && !to.starts_with("docs") {
        return Ok(Some("leads out of the book"));
    }
    // A folder goes by the files in it.
    if !files.iter().any(|file| file.starts_with(&to)) {
        return Ok(Some("leads to no file"));
    }
    let Some((_, anchor)) = target.split_once('#') else { return Ok(None) };
    Ok((!anchors(&read(root, &to)?).contains(&anchor.to_owned())).then_some("leads to no heading"))
}

/// The file that a link leads to, from the root; nothing where it leads to the web.
pub(super) fn resolve(from: &Path, target: &str) -> Option<PathBuf> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let file = target.split('#').next().unwrap_or_default();
    if file.is_empty() {
        return Some(from.to_owned());
    }
    let mut to = from.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(file).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                to.pop();
            }
            other => to.push(other),
        }
    }
    Some(to)
}

/// The targets of the links in a text; what stands in code is none.
pub(super) fn targets(text: &str) -> Vec<&str> {
    let lines = outside_of_fences(text);
    lines.flat_map(targets_of_line).collect()
}

fn targets_of_line(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut rest = line;
    // Whichever comes first, a link's target or a code span to pass over.
    while let Some(at) = rest.find("](").into_iter().chain(rest.find('`')).min() {
        let tail = &rest[at..];
        rest = if let Some(target) = tail.strip_prefix("](") {
            let Some((target, after)) = target.split_once(')') else { break };
            targets.push(target);
            after
        } else {
            let ticks = &tail[..tail.len() - tail.trim_start_matches('`').len()];
            let inside = &tail[ticks.len()..];
            inside.split_once(ticks).map_or(inside, |(_, after)| after)
        };
    }
    targets
}

fn outside_of_fences(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    })
}

/// The anchors of a text's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = outside_of_fences(text).filter_map(|line| {
        let words = line.trim_start_matches('#');
        (words.len() < line.len()).then(|| words.strip_prefix(' ')).flatten()
    });
    headings
        .map(|heading| {
            let anchor = anchor(heading.trim());
            let count = seen.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
        })
        .collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '-' | '_'));
    kept.flat_map(|c| if c.is_whitespace() { '-' } else { c }.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text =
            "[a](a.md), `[b](b.md)` and [c `d](x)`](c.md#e)\n```\n[f](f.md)\n```\n``a ` [g](g.md)`` [h](#i)";
        assert_eq!(targets(text), ["a.md", "c.md#e", "#i"]);
    }

    #[test]
    fn targets_are_resolved_from_the_page() {
        let from = Path::new("docs/adr/0001-a.md");
        assert_eq!(resolve(from, "../cli.md#imc"), Some(PathBuf::from("docs/cli.md")));
        assert_eq!(resolve(from, "#context"), Some(from.to_owned()));
        assert_eq!(resolve(from, "https://a.example/b.md"), None);
    }

    #[test]
    fn headings_have_anchors() {
        let text = "# What `--output json` says\n## A, B\n## A, B\n```\n# no heading\n```\n#none";
        assert_eq!(anchors(text), ["what---output-json-says", "a-b", "a-b-1"]);
    }
}
