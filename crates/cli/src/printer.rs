//! The one way out: results on standard output, everything else on standard error.
//!
//! Texts may come from images and registries: what a terminal would obey or what would break a line is escaped here.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::args::Output;
use crate::exit::Failure;

/// Prints in the form that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
    /// Why a result could not be written, told when the command ends: the work is not stopped by it.
    broken: Arc<OnceLock<std::io::Error>>,
}

impl Printer {
    pub(crate) fn new(output: Output, quiet: bool) -> Self {
        Self { output, quiet, broken: Arc::default() }
    }

    /// Whether bars that move are of use: somebody looks, and the terminal can move its cursor.
    pub(crate) fn is_live(&self) -> bool {
        let draws = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        !self.is_silent() && draws && std::io::stderr().is_terminal()
    }

    /// Whether only results are wanted. A program that reads documents reads no notes.
    pub(crate) fn is_silent(&self) -> bool {
        self.quiet || self.output == Output::Json
    }

    /// A result: `document` as JSON, or the lines for people.
    pub(crate) fn result<T: Serialize>(&self, document: &T, lines: impl FnOnce() -> Vec<String>) {
        self.written(match self.output {
            Output::Json => json(document),
            Output::Text => text(&lines()),
        });
    }

    /// A result that people are told by a note.
    pub(crate) fn document<T: Serialize>(&self, document: &T) {
        self.result(document, Vec::new);
    }

    /// Remembers why something could not be written. A reader that has seen enough (`| head`) is no failure.
    pub(crate) fn written(&self, written: std::io::Result<()>) {
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            let _ = self.broken.set(error);
        }
    }

    /// Fails where a result could not be written.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        self.broken.get().map_or(Ok(()), |error| Err(Failure::output(error)))
    }

    /// Rows under a head, in columns.
    pub(crate) fn table<T: Serialize>(&self, document: &T, head: &[&str], rows: &[Vec<String>]) {
        self.result(document, || columns(head, rows));
    }

    /// Something said on the way.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_silent() {
            let _ = writeln!(anstream::stderr(), "{}", printable(text));
        }
    }

    /// Something that is not as it should be and does not stop the work. Not left out by `--quiet`.
    pub(crate) fn warning(&self, text: &str) {
        let mut err = anstream::stderr().lock();
        let _ = match self.output {
            Output::Json => writeln!(err, "{:#}", warning_document(text)),
            Output::Text => writeln!(err, "warning: {}", printable(text)),
        };
    }

    /// Why it ended, and what to do.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut err = anstream::stderr().lock();
        if self.output == Output::Json {
            let _ = writeln!(err, "{:#}", failure_document(failure));
            return;
        }
        let _ = writeln!(err, "error: {}", printable(&failure.message));
        if let Some(advice) = &failure.advice {
            let _ = writeln!(err, "  next: {}", printable(advice));
        }
    }

    /// What failed of several things asked for, each by itself; the status is the first one's.
    pub(crate) fn failures(&self, failures: &[Failure]) -> ExitCode {
        for failure in failures {
            self.failure(failure);
        }
        failures.first().map_or(ExitCode::SUCCESS, |first| ExitCode::from(first.code))
    }
}

/// What failed, as a document.
pub(crate) fn failure_document(failure: &Failure) -> serde_json::Value {
    serde_json::json!({ "error": {
        "kind": failure.kind, "message": failure.message, "advice": failure.advice, "exit_status": failure.code,
    }})
}

/// What is not as it should be, as a document.
pub(crate) fn warning_document(text: &str) -> serde_json::Value {
    serde_json::json!({ "warning": { "message": text } })
}

fn text(lines: &[String]) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    for line in lines {
        writeln!(out, "{}", printable(line))?;
    }
    out.flush()
}

fn json<T: Serialize>(document: &T) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)?;
    writeln!(out)?;
    out.flush()
}

/// One line of text that no terminal obeys: control characters, and those that turn the direction of what follows, are
/// written as Rust and JSON people know them.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Left-aligned columns, two blanks apart.
fn columns(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head = line(&mut head.iter().copied());
    let body = rows.iter().map(|row| line(&mut row.iter().map(|cell| &**cell)));
    std::iter::once(head).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::{columns, printable};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["a".to_owned(), "Ready".to_owned()], vec!["longer".to_owned(), "x".to_owned()]];
        assert_eq!(columns(&["NAME", "STATE"], &rows), ["NAME    STATE", "a       Ready", "longer  x"]);
    }

    #[test]
    fn a_cell_with_a_newline_stays_in_its_row() {
        let rows = vec![vec!["a\nb".to_owned(), "\u{1b}]0;title\u{7}".to_owned()]];
        assert_eq!(columns(&["NAME", "X"], &rows), ["NAME  X", r"a\nb  \u{1b}]0;title\u{7}"]);
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_nothing_else_is() {
        for (text, shown) in [
            ("plain, with ümläuts and 漢字", "plain, with ümläuts and 漢字"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("a\u{202e}b", r"a\u{202e}b"),
            ("a\tb\r", r"a\tb\r"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
