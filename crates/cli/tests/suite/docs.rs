//! `docs/cli.md` is what the program says about itself. `IMC_UPDATE_DOCS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::help::{every_command, help, help_of};

/// The help of every command as one page.
fn page() -> String {
    let mut page = String::from(
        "# The command line\n\nMade from `imc --help` and the help of each command by a test of `crates/cli`; \
         `IMC_UPDATE_DOCS=1 cargo test -p cli docs` writes it anew.\n",
    );
    let mut add = |title: &str, text: &str| {
        let text: Vec<&str> = text.lines().map(str::trim_end).collect();
        write!(page, "\n## {title}\n\n```text\n{}\n```\n", text.join("\n").trim_end()).unwrap();
    };
    add("imc", &help(&["--help"]));
    for command in every_command() {
        add(&format!("imc {}", command.join(" ")), &help_of(&command));
    }
    page
}

#[test]
fn the_page_of_the_command_line_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let page = page();
    if std::env::var_os("IMC_UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/cli.md is old: IMC_UPDATE_DOCS=1 cargo test -p cli docs");
}
