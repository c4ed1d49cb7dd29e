//! The messages that the troubleshooting page quotes are the program's own.
//!
//! The first column of its tables has a message as code, with `…` for what the program fills in. It must stand in the sources
//! of a crate, so that whoever changes a message finds its page. The rows are in the order of their words.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::super::{crate_of_source, is_rust};
use super::read;

const PAGE: &str = "docs/troubleshooting.md";

/// What the page has in place of a value.
const GAP: char = '…';

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let page = read(root, Path::new(PAGE))?;
    let mut sources = Vec::new();
    for path in files.iter().filter(|path| is_rust(path) && crate_of_source(path).is_some()) {
        sources.push(as_page(without_tests(&read(root, path)?)));
    }
    let mut findings = disordered(&page);
    for message in messages(&page) {
        let needle = as_page(message);
        let needle = needle.trim_matches(|c: char| c == GAP || c == ' ');
        if needle.is_empty() || !sources.iter().any(|source| source.contains(needle)) {
            findings.push(format!("book: {PAGE} quotes a message that the program does not have: {message}"));
        }
    }
    Ok(findings)
}

/// The first cells of the rows.
fn cells(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
}

/// The messages that are quoted: the first code span of a row's first cell.
fn messages(page: &str) -> impl Iterator<Item = &str> {
    cells(page).filter_map(|cell| {
        let opened = cell.find('`').map(|at| &cell[at..])?;
        let inside = opened.trim_start_matches('`');
        let ticks = &opened[..opened.len() - inside.len()];
        inside.split_once(ticks).map(|(message, _)| message.trim())
    })
}

/// Rows whose words come before those of the row above them.
fn disordered(page: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut above = String::new();
    for cell in page.lines().map(|line| line.strip_prefix("| ").and_then(|row| row.split(" | ").next())) {
        // A table ends where its lines do.
        let words = cell.map(words).unwrap_or_default();
        if cell.is_some() && words < above && above != "message" {
            findings
                .push(format!("book: {PAGE} has {} not in the order of its words", cell.unwrap_or_default()));
        }
        above = words;
    }
    findings
}

fn words(cell: &str) -> String {
    let plain = cell.to_lowercase().replace(GAP, " ");
    let kept: String = plain.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text of a source file as the page would have it: literals that go on in the next line are one, and what is filled in is a gap.
fn as_page(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{', GAP]) {
        page.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(next_line) = rest.strip_prefix("\\\n") {
            rest = next_line.trim_start();
        } else if let Some(quoted) = rest.strip_prefix("\\\"") {
            page.push('"');
            rest = quoted;
        } else if let Some(after) = rest.strip_prefix(GAP).or_else(|| behind_placeholder(rest)) {
            if !page.ends_with(GAP) {
                page.push(GAP);
            }
            rest = after;
        } else {
            page.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    page.push_str(rest);
    // Names stand in backticks, which the page spares its readers.
    page.replace("`…`", "…").replace("……", "…")
}

/// What follows a placeholder of a format string.
fn behind_placeholder(text: &str) -> Option<&str> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let is_one = inside.chars().all(|c| c.is_ascii_alphanumeric() || "_.:?#*$+<>-".contains(c));
    is_one.then_some(after)
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_reads_as_the_page() {
        let source = "#[error(\"failed to {action} the {0} `{}`{}: \\\n        it is \\\"{size:>3}\\\"\", path.display())]";
        assert!(as_page(source).contains("failed to … the … …: it is \"…\""), "{}", as_page(source));
        assert_eq!(as_page("fn a() { b {c: d} }"), "fn a() { b {c: d} }");
    }

    #[test]
    fn the_first_code_of_a_row_is_its_message() {
        let page = "| message | do |\n| --- | --- |\n| `a …` | `b` |\n| `` c `d` `` | e |\n| failed to `f` | g |\n| No code | h |";
        assert_eq!(messages(page).collect::<Vec<_>>(), ["a …", "c `d`", "f"]);
    }

    #[test]
    fn rows_are_in_the_order_of_their_words() {
        let tables = |last: &str| {
            format!(
                "| message | do |\n| --- | --- |\n| `… b` | c |\n| `a` | d |\n\n| message | do |\n| --- | --- |\n| {last} | e |"
            )
        };
        assert_eq!(disordered(&tables("`a`")).len(), 1);
        assert!(disordered("| `a` | x |\n| `… b` | x |\n| `… b …: c` | x |").is_empty());
    }
}
