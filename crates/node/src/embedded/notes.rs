//! What libcontainer says while it fails. Its errors reach the caller without their causes, which it only logs, in
//! whichever of its processes they come up: here they go to the call's log file.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The level of these lines in the log, which no runtime uses.
const NOTE: &str = "note";
/// How libcontainer's notes have an error inside of them.
const ERROR: &str = ", err ";
/// Longest note, in characters.
const LONGEST: usize = 400;

/// A log file, open for appending, that takes libcontainer's errors and panics.
pub(super) struct Notes(File);

impl Notes {
    /// From now on, for this process and those that it forks; where the log ends now.
    pub(super) fn begin(log: &std::path::Path) -> Option<u64> {
        let mut file = File::options().create(true).append(true).open(log).ok()?;
        let end = file.seek(SeekFrom::End(0)).ok()?;
        let for_panics = file.try_clone().ok()?;
        tracing::subscriber::set_global_default(Self(file)).ok()?;
        // Standard error is the container's.
        std::panic::set_hook(Box::new(move |panic| note(&for_panics, &panic.to_string().replace('\n', " "))));
        Some(end)
    }

    /// What was noted closest to the cause, behind a place in the log: the first note says what was tried, the first with an
    /// error inside of it says why it failed.
    pub(super) fn cause(log: &std::path::Path, from: u64) -> Option<String> {
        let text = std::fs::read(log).ok()?;
        let text = String::from_utf8_lossy(text.get(usize::try_from(from).ok()?..)?).into_owned();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let notes: Vec<String> = lines
            .filter(|line| line["level"] == NOTE)
            .filter_map(|line| line["msg"].as_str().map(str::to_owned))
            .collect();
        let first = notes.first()?;
        let with_error = notes.iter().find(|note| note.contains(ERROR));
        Some(match with_error.filter(|note| *note != first) {
            Some(why) => format!("{first}; {why}"),
            None => first.clone(),
        })
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::ERROR)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        note(&self.0, &for_people(&format!("{}{}", text.message, text.fields)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A note without the insides of libcontainer's values: of a mount its destination stays, of another value its name.
fn for_people(note: &str) -> String {
    const MOUNT: &str = "Mount { destination: ";
    let mut text = note.to_owned();
    if let Some((before, (destination, rest))) =
        note.split_once(MOUNT).and_then(|(before, mount)| Some((before, mount.split_once(", ")?)))
    {
        let after = rest.split_once(" }").map_or("", |(_, after)| after);
        text = format!("{before}{destination}{after}");
    }
    let end = text.find(" { ").unwrap_or(text.len());
    text.truncate(end);
    text
}

fn note(mut file: &File, whole: &str) {
    let msg: String = whole.chars().take(LONGEST).collect();
    let line = serde_json::json!({ "level": NOTE, "msg": msg });
    // One call, since several processes may write. There is nobody to tell that it failed.
    let _ = file.write_all(format!("{line}\n").as_bytes());
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to memory does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name} {value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_name_what_was_mounted_and_have_no_insides() {
        let mount = "Mount { destination: \"/etc/hosts\", typ: Some(\"bind\"), source: Some(\"/x/hosts\"), \
                     options: Some([\"rbind\"]), uid_mappings: None, gid_mappings: None }";
        for (note, text) in [
            (format!("failed to mount {mount}: syscall"), "failed to mount \"/etc/hosts\": syscall"),
            (
                "failed to prepare, err Mount(Pathrs(Error { kind: Os(20), more: Inner { x: 1 } }))"
                    .to_owned(),
                "failed to prepare, err Mount(Pathrs(Error",
            ),
            ("failed, err Syscall(Nix(EINVAL))".to_owned(), "failed, err Syscall(Nix(EINVAL))"),
        ] {
            assert_eq!(for_people(&note), text);
        }
    }
}
