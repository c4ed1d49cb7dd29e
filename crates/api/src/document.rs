//! Reading documents: what serde refuses, as a problem with the field and what is possible.

use serde::de::DeserializeOwned;
use wire::ProblemKind;

use crate::refusal::Refusal;

/// Reads a JSON document.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    // Serde would read a list as the fields in their order: a second form that nobody asked for.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let refusal = Refusal::new(ProblemKind::InvalidBody).allowed(["an object"]);
        return Err(refusal.detail("failed to read the body: it is a list; expected an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() { wrong_shape(&path, &message_of(&error)) } else { odd_shape::<T>(bytes, &error) }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// A number where a word belongs is bad JSON to serde's reader of text, and of another type to its reader of values.
fn odd_shape<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Refusal {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return not_json(error) };
    match serde_path_to_error::deserialize::<_, T>(value) {
        Err(odd) => wrong_shape(&odd.path().to_string(), &message_of(odd.inner())),
        Ok(_) => not_json(error),
    }
}

fn not_json(error: &serde_json::Error) -> Refusal {
    Refusal::new(ProblemKind::InvalidBody).detail(format!("failed to read the body as JSON: {error}"))
}

/// The message without its place: the path says it better.
fn message_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

fn wrong_shape(path: &str, message: &str) -> Refusal {
    let at_top = path.is_empty() || path == ".";
    if let Some(name) = quoted_behind(message, "missing field ") {
        let field = if at_top { name.to_owned() } else { format!("{path}.{name}") };
        return Refusal::new(ProblemKind::MissingField)
            .detail(format!("failed to find the field `{field}`"))
            .field(field);
    }
    if let Some(name) = quoted_behind(message, "unknown field ") {
        let field = if at_top || path.ends_with(name) && !path.is_empty() {
            if at_top { name.to_owned() } else { path.to_owned() }
        } else {
            format!("{path}.{name}")
        };
        return Refusal::new(ProblemKind::UnknownField)
            .detail(format!("failed to take the field `{field}`: there is none of that name"))
            .field(field)
            .allowed(expected(message));
    }
    let typed = other_type(message);
    if at_top {
        let said = match &typed {
            Some((given, wanted)) => format!("failed to read the body: it is {given}; expected {wanted}"),
            None => format!("failed to read the body: {message}"),
        };
        let possible = typed.map_or_else(|| expected(message), |(_, wanted)| vec![wanted]);
        return Refusal::new(ProblemKind::InvalidBody).detail(said).allowed(possible);
    }
    let message = match &typed {
        Some((given, wanted)) => &format!("failed to take {given}: expected {wanted}"),
        None => message,
    };
    let refusal = Refusal::new(ProblemKind::InvalidField).field(path).allowed(expected(message));
    // A message may repeat the value, and nobody's password belongs into an answer or a log.
    let is_secret =
        path.contains("credentials") && !path.ends_with(".registry") && !path.ends_with(".username");
    match is_secret {
        true => refusal.detail("failed to take the value: it has another form"),
        false => refusal.detail(message),
    }
}

/// What was given and what was wanted, in the words of JSON, where serde says it in those of its own types.
fn other_type(message: &str) -> Option<(String, String)> {
    let rest = ["invalid type: ", "invalid value: "].iter().find_map(|words| message.strip_prefix(words));
    let (given, wanted) = match (rest, message.strip_prefix("invalid length ")) {
        (Some(rest), _) => rest.rsplit_once(", expected ")?,
        (None, Some(_)) => ("sequence", message.rsplit_once(", expected ")?.1),
        (None, None) => return None,
    };
    let number = given.strip_prefix("integer ").or_else(|| given.strip_prefix("floating point "));
    let given = match given {
        "sequence" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        "null" | "unit value" => "null".to_owned(),
        _ if given.starts_with("string ") => given.replacen("string", "the text", 1),
        _ if given.starts_with("boolean ") => given.replacen("boolean ", "", 1),
        _ => number.map_or_else(|| given.to_owned(), |number| format!("the number {number}")),
    };
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a nonzero u8" | "a nonzero u16" | "a nonzero u32" | "a nonzero u64" => "a whole number, 1 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "string or map" | "variant identifier" => "a string",
        "a sequence" => "a list",
        "a map" | "map" => "an object",
        // Types are called in code as nobody outside calls them.
        _ if wanted.contains("struct ") || wanted.contains("enum ") => "an object",
        _ => wanted,
    };
    Some((given, wanted.to_owned()))
}

fn quoted_behind<'a>(message: &'a str, words: &str) -> Option<&'a str> {
    message.strip_prefix(words)?.strip_prefix('`')?.split('`').next()
}

/// What a message says was expected: the words, where it lists words and nothing else, or all of it as one text.
pub(crate) fn expected(message: &str) -> Vec<String> {
    let Some((_, expected)) = message.rsplit_once("expected ") else { return Vec::new() };
    let parts: Vec<&str> = expected.split('`').collect();
    let quoted = parts.iter().skip(1).step_by(2);
    let between = parts.iter().step_by(2).flat_map(|part| part.split([' ', ',']));
    let is_list = parts.len() > 1 && between.into_iter().all(|word| matches!(word, "" | "one" | "of" | "or"));
    if is_list { quoted.map(|word| (*word).to_owned()).collect() } else { vec![expected.to_owned()] }
}

#[cfg(test)]
mod tests {
    use wire::{CreateCache, Problem};

    use super::*;

    fn refused(text: &str) -> Problem {
        *read::<CreateCache>(text.as_bytes()).unwrap_err().0
    }

    #[test]
    fn every_refusal_names_the_field_and_what_is_possible() {
        let image = r#""images":["a/b:1"]"#;
        for (text, word, field, allowed) in [
            ("", "invalid-body", None, ""),
            ("[1", "invalid-body", None, "an object"),
            (r#" ["a",["a/b"]]"#, "invalid-body", None, "an object"),
            ("{", "invalid-body", None, ""),
            ("7", "invalid-body", None, "an object"),
            (r#"{"name":"a"}"#, "missing-field", Some("images"), ""),
            (r#"{"name":"A","images":[]}"#, "invalid-field", Some("name"), "1 to 128 characters"),
            (r#"{"name":"a","images":["a/b","::"]}"#, "invalid-field", Some("images[1]"), ""),
            (
                &format!(r#"{{"name":"a",{image},"colour":1}}"#),
                "unknown-field",
                Some("colour"),
                "retention_days",
            ),
            (
                &format!(r#"{{"name":"a",{image},"retention_days":0}}"#),
                "invalid-field",
                Some("retention_days"),
                "1 to 65536",
            ),
            (&format!(r#"{{"name":"a",{image},"eviction":"x"}}"#), "invalid-field", Some("eviction"), "keep"),
            (
                &format!(r#"{{"name":"a",{image},"size_gib":-1}}"#),
                "invalid-field",
                Some("size_gib"),
                "a whole number",
            ),
            (
                &format!(r#"{{"name":"a",{image},"eviction":5}}"#),
                "invalid-field",
                Some("eviction"),
                "a string",
            ),
            (
                &format!(r#"{{"name":"a",{image},"staleness":"refresh"}}"#),
                "invalid-field",
                Some("staleness"),
                "an object",
            ),
            (&format!(r#"{{"name":"a",{image},"tags":[1]}}"#), "invalid-field", Some("tags"), "an object"),
            (
                &format!(r#"{{"name":"a",{image},"credentials":[7]}}"#),
                "invalid-field",
                Some("credentials[0]"),
                "an object",
            ),
            (&format!(r#"{{"name":"a",{image}}} {{}}"#), "invalid-body", None, ""),
            (
                &format!(r#"{{"name":"a",{image},"credentials":[{{"registry":"r.io","user":"b"}}]}}"#),
                "unknown-field",
                Some("credentials[0].user"),
                "username",
            ),
            (
                &format!(r#"{{"name":"a",{image},"credentials":[{{"registry":"r.io","username":"b"}}]}}"#),
                "missing-field",
                Some("credentials[0].password"),
                "",
            ),
        ] {
            let problem = refused(text);
            assert_eq!(problem.kind, format!("urn:imc:problem:{word}"), "{text}: {problem:?}");
            assert_eq!(problem.field.as_deref(), field, "{text}: {problem:?}");
            assert!(problem.allowed.concat().contains(allowed), "{text}: {problem:?}");
        }
    }

    #[test]
    fn what_was_given_is_said_in_the_words_of_json() {
        let image = r#""images":["a/b:1"]"#;
        for (field, detail) in [
            (
                r#""retention_days":1.5"#,
                "failed to take the number `1.5`: expected a whole number, 0 or more",
            ),
            (r#""size_gib":"9""#, "failed to take the text \"9\": expected a whole number, 0 or more"),
            (r#""flash":null"#, "failed to take null: expected a boolean"),
            (r#""tags":[]"#, "failed to take a list: expected an object"),
            (r#""staleness":"strict""#, "failed to take the text \"strict\": expected an object"),
            (r#""eviction":5"#, "failed to take the number `5`: expected a string"),
        ] {
            let problem = refused(&format!(r#"{{"name":"a",{image},{field}}}"#));
            assert_eq!(problem.detail.as_deref(), Some(detail), "{field}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        for login in [
            r#"{"registry":"r","username":"u","password":99887766}"#,
            r#"["r","u",99887766]"#,
            "99887766",
            r#""99887766""#,
        ] {
            let text = format!(r#"{{"name":"a","images":["a/b"],"credentials":[{login}]}}"#);
            assert!(!format!("{:?}", refused(&text)).contains("99887766"), "{login}");
        }
    }

    #[test]
    fn lists_are_told_from_sentences() {
        assert_eq!(expected("unknown variant `x`, expected one of `a`, `b`"), ["a", "b"]);
        assert_eq!(expected("unknown variant `x`, expected `a` or `b`"), ["a", "b"]);
        assert_eq!(expected("bad: expected letters, `-` and `_`"), ["letters, `-` and `_`"]);
        assert_eq!(expected("nothing"), Vec::<String>::new());
    }
}
