//! What the program says, comparably.

use crate::support::{Home, Ran};

/// What a run says, without what differs from run to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// What the program says over that home.
    pub(crate) fn of(home: &Home, words: &[String], documents: bool) -> Self {
        let mut arguments: Vec<&str> = if documents { vec!["-o", "json"] } else { Vec::new() };
        arguments.extend(words.iter().map(String::as_str));
        let said = Self::by(&home.imc(&arguments));
        let place = |text: &str| text.replace(&home.path().display().to_string(), "<home>");
        Self { stdout: place(&said.stdout), stderr: place(&said.stderr), ..said }
    }

    fn by(ran: &Ran) -> Self {
        // Which steps of a layer are seen depends on when somebody looks.
        let is_told = |line: &&str| !line.starts_with("layer sha256:");
        let stderr: Vec<&str> = ran.stderr.lines().filter(is_told).collect();
        Self { code: ran.code, stdout: normalised(&ran.stdout), stderr: normalised(&stderr.join("\n")) }
    }
}

/// Fields of documents that differ from run to run.
const MEASURED: &[&str] =
    &["\"seconds\"", "\"snapshot_gib_hours\"", "\"disk_gib_hours\"", "\"pid\"", "\"free_space\""];

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ids, times and durations as words, blanks as one.
fn normalised(text: &str) -> String {
    let is_delimiter = |c: char| c.is_whitespace() || "\"'`(),;".contains(c);
    let mut out = String::new();
    for (line, begins) in text.lines().zip(std::iter::once(false).chain(std::iter::repeat(true))) {
        if begins {
            out.push('\n');
        }
        // The time that a build took is a number of its own.
        let line = line.split_once(" fetched in ").map_or(line, |(before, _)| before);
        let line = line.split_once(" unpacked in ").map_or(line, |(before, _)| before);
        // So is the room that there is, which others take meanwhile.
        let line = match line.split_once("; ") {
            Some((before, room)) if room.contains(" free of ") => before,
            _ => line,
        };
        let is_measured = MEASURED.iter().any(|key| line.trim_start().starts_with(key));
        let line = if is_measured { "measured" } else { line };
        let words = line.split(is_delimiter).filter(|word| !word.is_empty()).map(word);
        // A process.
        let runs = line.contains("Running");
        let words: Vec<&str> =
            words.map(|word| if runs && is_number(word) { "<pid>" } else { word }).collect();
        out.push_str(&words.join(" "));
    }
    out
}

fn word(word: &str) -> &str {
    let hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = word.trim_end_matches(':');
    if word.split_once('-').is_some_and(|(kind, rest)| kind.len() == 3 && hex(rest)) {
        return "<id>";
    }
    // A name that was made up.
    if word.strip_prefix("i-").is_some_and(|rest| rest.len() == 8) {
        return "<name>";
    }
    let is_time = word.len() > 18 && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T';
    if is_time { "<time>" } else { word }
}
