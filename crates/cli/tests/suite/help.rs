//! What the program says about itself. The golden files are beside this file.

use crate::support::Home;

/// Every command, in the order of the help.
pub(crate) const COMMANDS: &[&str] = &[
    "create",
    "list",
    "show",
    "events",
    "update",
    "rollback",
    "delete",
    "match",
    "predict",
    "usage",
    "run",
    "ps",
    "logs",
    "stop",
    "rm",
    "exec",
    "login",
    "logout",
    "gc",
    "serve",
    "token",
    "account",
    "access-key",
    "secrets",
    "doctor",
    "config",
    "completion",
];

/// The commands below a command.
const BELOW: &[&[&str]] = &[
    &["config", "show"],
    &["config", "check"],
    &["config", "example"],
    &["token", "create"],
    &["token", "list"],
    &["token", "revoke"],
    &["account", "create"],
    &["account", "list"],
    &["access-key", "create"],
    &["access-key", "list"],
    &["access-key", "disable"],
    &["access-key", "enable"],
    &["access-key", "delete"],
    &["secrets", "rotate"],
];

/// Every command as its words, those below one behind it.
pub(crate) fn every_command() -> Vec<Vec<&'static str>> {
    let with_those_below = |command: &&'static str| {
        let below = BELOW.iter().filter(|words| words[0] == *command).map(|words| words.to_vec());
        std::iter::once(vec![*command]).chain(below).collect::<Vec<_>>()
    };
    COMMANDS.iter().flat_map(with_those_below).collect()
}

/// The help of that command.
pub(crate) fn help_of(command: &[&str]) -> String {
    help(&[command, &["--help"]].concat())
}

/// The help, without the values that variables have here.
pub(crate) fn help(arguments: &[&str]) -> String {
    let ran = Home::new().command().env_remove("IMC_DATA_DIR").args(arguments).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(ran.stderr.is_empty(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn the_whole_help_is_as_agreed() {
    insta::assert_snapshot!("imc", help(&["--help"]));
    for command in every_command() {
        insta::assert_snapshot!(command.join("-"), help_of(&command));
    }
}

#[test]
fn every_command_shows_an_example() {
    for command in every_command() {
        let help = help_of(&command);
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command:?} has none"));
        assert!(examples.contains(&command.join(" ")), "{command:?}: {examples}");
    }
}

#[test]
fn no_line_of_the_help_is_wider_than_a_terminal_of_100() {
    for command in std::iter::once(Vec::new()).chain(every_command()) {
        for line in help_of(&command).lines() {
            assert!(line.chars().count() <= 100, "{command:?}: {line}");
        }
    }
}

/// A paragraph that breaks in its source and again at the terminal's edge leaves lines of one word.
#[test]
fn paragraphs_of_the_help_are_wrapped_once() {
    for command in std::iter::once(Vec::new()).chain(every_command()) {
        let help = help_of(&command);
        let lines: Vec<&str> = help.lines().collect();
        for pair in lines.windows(2) {
            let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
            if let [line, next] = pair
                && is_prose(line)
                && is_prose(next)
            {
                let word = next.split_whitespace().next().unwrap();
                let fits = line.chars().count() + 1 + word.chars().count() <= 100;
                assert!(!fits || line.ends_with('.'), "{command:?}: {line}\n{next}");
            }
        }
    }
}

#[test]
fn the_list_of_commands_here_is_complete() {
    let help = help(&["--help"]);
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, [COMMANDS, &["help"]].concat());
}

#[test]
fn the_version_is_the_package_version() {
    assert_eq!(help(&["--version"]), format!("imc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = help(&["completion", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
    }
}

#[test]
fn wrong_usage_is_64_or_125_where_a_status_is_passed_on_and_touches_nothing() {
    let home = Home::new();
    let wrong: &[(&[&str], &str)] = &[
        (&[], "Usage: imc"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
        (&["create"], "required arguments"),
        (&["create", "web"], "<IMAGE>"),
        (&["create", "Bad Name", "oci:/x"], "expected 1 to 128 characters"),
        (&["create", "web", "oci:/x", "--size", "0"], "--size"),
        (&["create", "web", "oci:/x", "--size", "many"], "--size"),
        (&["create", "web", "oci:/x", "--platform", "linux"], "--platform"),
        (&["show"], "<CACHE>"),
        (&["run"], "<IMAGE|CACHE>"),
        (&["run", "-d", "-t", "web"], "cannot be used with"),
        (&["run", "--memory", "much", "web"], "--memory"),
        (&["run", "--network", "moon", "web"], "--network"),
        (&["exec", "web"], "<CMD>"),
        (&["list", "--output", "xml"], "--output"),
        (&["completion", "tcsh"], "tcsh"),
    ];
    for (arguments, word) in wrong {
        // Below 125 lies the container's own.
        let code = if matches!(arguments.first(), Some(&("run" | "exec"))) { 125 } else { 64 };
        home.imc(arguments).fails(code, &[word]);
    }
    assert!(!home.data().exists());
}
