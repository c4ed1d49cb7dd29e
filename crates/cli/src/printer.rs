//! The one way out: results on standard output, everything else on standard error.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::args::Output;
use crate::exit::Failure;

/// Prints in the form that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(output: Output, quiet: bool) -> Self {
        Self { output, quiet }
    }

    /// Whether bars that move are of use.
    pub(crate) fn is_live(&self) -> bool {
        !self.quiet && self.output == Output::Text && std::io::stderr().is_terminal()
    }

    /// Whether only results are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A result: `document` as JSON, or the lines for people.
    pub(crate) fn result<T: Serialize>(&self, document: &T, lines: impl FnOnce() -> Vec<String>) {
        match self.output {
            Output::Json => self.json(document),
            Output::Text => {
                let mut out = anstream::stdout().lock();
                for line in lines() {
                    // A closed pipe (`| head`) ends the printing, not the work.
                    if writeln!(out, "{line}").is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn json<T: Serialize>(&self, document: &T) {
        let mut out = std::io::stdout().lock();
        if serde_json::to_writer_pretty(&mut out, document).is_ok() {
            let _ = writeln!(out);
        }
    }

    /// Rows under a head, in columns.
    pub(crate) fn table<T: Serialize>(&self, document: &T, head: &[&str], rows: &[Vec<String>]) {
        self.result(document, || columns(head, rows));
    }

    /// Something said on the way.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Something that is not as it should be and does not stop the work.
    pub(crate) fn warning(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "warning: {text}");
    }

    /// Why it ended, and what to do.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut err = anstream::stderr().lock();
        if self.output == Output::Json {
            let document = serde_json::json!({ "error": {
                "kind": failure.kind, "message": failure.message, "advice": failure.advice, "exit_status": failure.code,
            }});
            let _ = writeln!(err, "{document:#}");
            return;
        }
        let _ = writeln!(err, "error: {}", failure.message);
        if let Some(advice) = &failure.advice {
            let _ = writeln!(err, "  next: {advice}");
        }
    }
}

/// Left-aligned columns, two blanks apart.
fn columns(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head = line(&mut head.iter().copied());
    let body = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(head).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["a".to_owned(), "Ready".to_owned()], vec!["longer".to_owned(), "x".to_owned()]];
        assert_eq!(columns(&["NAME", "STATE"], &rows), ["NAME    STATE", "a       Ready", "longer  x"]);
    }
}
