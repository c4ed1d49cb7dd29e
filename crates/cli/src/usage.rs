//! Wrong usage: what is said of it, in the form that was asked for, and the exit status.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::args::Output;
use crate::exit::{Failure, RUN_FAILED, USAGE};
use crate::printer::Printer;

/// What can be told of a command line before it is parsed, or where it cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glimpse {
    /// Whether documents are asked for.
    json: bool,
    /// Whether the command passes on a container's status, so that other numbers are not ours.
    passes_status_on: bool,
}

impl Glimpse {
    /// Looks at the words after the program's name.
    pub(crate) fn of(words: impl Iterator<Item = OsString>) -> Self {
        let mut seen = Self::default();
        let mut command = None;
        let mut words = words.map(|word| word.to_string_lossy().into_owned()).take_while(|word| word != "--");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--data-dir" | "--config" | "--account" | "--server" => drop(words.next()),
                "--output" | "-o" | "-qo" => seen.json |= words.next().as_deref() == Some("json"),
                "--output=json" | "-ojson" | "-o=json" | "-qojson" | "-qo=json" => seen.json = true,
                flag if flag.starts_with('-') => {}
                _ => command = command.or(Some(word)),
            }
        }
        seen.passes_status_on = matches!(command.as_deref(), Some("run" | "exec"));
        seen
    }

    /// A failure of the command that was seen.
    pub(crate) fn failure(self, failure: Failure) -> Failure {
        if self.passes_status_on { failure.of_run() } else { failure }
    }
}

/// Prints what clap says: help and version, or what is wrong.
pub(crate) fn usage(error: &clap::Error, seen: Glimpse) -> ExitCode {
    if !error.use_stderr() {
        let printer = Printer::new(Output::Text, false);
        printer.written(error.print());
        return match printer.finish() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => printer.failures(&[seen.failure(failure)]),
        };
    }
    if seen.json {
        return Printer::new(Output::Json, false).failures(&[seen.failure(refusal(error))]);
    }
    // Nothing is left to be told where standard error is closed.
    let _ = error.print();
    ExitCode::from(if seen.passes_status_on { RUN_FAILED } else { USAGE })
}

/// What clap says, as a document has it: its first paragraph, and the usage.
fn refusal(error: &clap::Error) -> Failure {
    let said = error.render().to_string();
    let mut paragraphs = said.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command is given",
        _ => paragraphs.next().unwrap_or_default().trim_start_matches("error: "),
    };
    let usage = paragraphs.find(|paragraph| paragraph.starts_with("Usage: "));
    let advice = match usage {
        Some(usage) => format!("{usage}; `--help` says more"),
        None => "`imc --help` shows the usage".to_owned(),
    };
    Failure { kind: "usage", advice: Some(advice), ..Failure::input(message) }
}

#[cfg(test)]
mod tests {
    use super::Glimpse;

    fn seen(line: &str) -> (bool, bool) {
        let seen = Glimpse::of(line.split_whitespace().map(Into::into));
        (seen.json, seen.passes_status_on)
    }

    #[test]
    fn form_and_command_are_seen_in_lines_that_do_not_parse() {
        for (line, expected) in [
            ("", (false, false)),
            ("-o json nonsense", (true, false)),
            ("--output=json create", (true, false)),
            ("run --nonsense", (false, true)),
            ("--data-dir list exec -qo json", (true, true)),
            ("--data-dir run list", (false, false)),
            ("--config run list", (false, false)),
            ("list -- -o json", (false, false)),
            ("list -o text", (false, false)),
        ] {
            assert_eq!(seen(line), expected, "{line}");
        }
    }
}
