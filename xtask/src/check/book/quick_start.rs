//! The quick start has the README's commands, which an end-to-end test runs.

use std::path::Path;

use anyhow::Result;

use super::read;

const PAGE: &str = "docs/quick-start.md";

/// The README's sections whose commands are run.
const SECTIONS: &[&str] = &["## Ten minutes", "## As a service"];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let (readme, page) = (read(root, Path::new("README.md"))?, read(root, Path::new(PAGE))?);
    let has = |command: &&str| page.lines().any(|line| line == *command);
    let missing = commands(&readme).into_iter().filter(|command| !has(command));
    Ok(missing.map(|command| format!("book: {PAGE} does not have the README's line: {command}")).collect())
}

/// The lines of the sections' blocks.
fn commands(readme: &str) -> Vec<&str> {
    let mut commands = Vec::new();
    let (mut is_run, mut is_code) = (false, false);
    for line in readme.lines() {
        if line.starts_with("## ") {
            is_run = SECTIONS.contains(&line);
        } else if line.starts_with("```") {
            is_code = !is_code;
        } else if is_run && is_code {
            commands.push(line);
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_sections() {
        let readme = "```console\n$ no\n```\n## Ten minutes\ntext\n```console\n$ a \\\n  b\n```\n## Other\n```\n$ no\n```\n";
        assert_eq!(commands(readme), ["$ a \\", "  b"]);
    }
}
