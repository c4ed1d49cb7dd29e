//! The book's page on differences says of every parameter of both clouds what becomes of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compat.md");
const BEGIN: &str =
    "<!-- from the tables of the crate `clouds`: IMC_UPDATE_DOCS=1 cargo test -p api --test suite compat -->";
const END: &str = "<!-- to here -->";

/// Parameters of an operation by what becomes of them.
type Fates = [Vec<String>; 3];

fn alibaba() -> BTreeMap<String, Fates> {
    let mut operations: BTreeMap<String, Fates> = BTreeMap::new();
    for (operation, name, fate) in clouds::alibaba::PARAMETERS {
        let place = match fate {
            clouds::alibaba::Fate::Honoured => 0,
            clouds::alibaba::Fate::RecordedOnly => 1,
            clouds::alibaba::Fate::Refused => 2,
        };
        operations.entry(operation.to_string()).or_default()[place].push((*name).to_owned());
    }
    operations
}

fn tencent() -> BTreeMap<String, Fates> {
    let mut operations: BTreeMap<String, Fates> = BTreeMap::new();
    for (operation, name, fate) in clouds::tencent::PARAMETERS {
        let place = match fate {
            clouds::tencent::Fate::Honoured => 0,
            clouds::tencent::Fate::RecordedOnly => 1,
            clouds::tencent::Fate::Refused => 2,
        };
        operations.entry((*operation).to_owned()).or_default()[place].push((*name).to_owned());
    }
    operations
}

fn table(title: &str, operations: &BTreeMap<String, Fates>) -> String {
    let mut text = format!("### {title}\n");
    for (operation, fates) in operations {
        let _ = write!(text, "\n**{operation}**\n\n| | parameters |\n| --- | --- |\n");
        for (word, names) in ["honoured", "recorded only", "refused"].iter().zip(fates) {
            if !names.is_empty() {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let _ = writeln!(text, "| {word} | {} |", names.join(", "));
            }
        }
    }
    text
}

#[test]
fn the_book_has_every_parameter() {
    let text = format!("\n{}\n{}\n", table("Alibaba", &alibaba()), table("Tencent", &tencent()));
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}{text}{END}{after}");
    if std::env::var_os("IMC_UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, wanted).unwrap();
    } else {
        assert_eq!(page, wanted, "run it again with IMC_UPDATE_DOCS=1");
    }
}
