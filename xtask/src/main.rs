//! Repository chores. `cargo xtask check` proves the rules of the house that the compiler does not.

mod check;

use std::process::ExitCode;

#[allow(clippy::print_stderr, clippy::print_stdout, reason = "this is the edge of a command-line program")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["check"] => match check::run() {
            Ok(findings) if findings.is_empty() => {
                println!("xtask check: every rule holds");
                ExitCode::SUCCESS
            }
            Ok(findings) => {
                for finding in &findings {
                    eprintln!("{finding}");
                }
                eprintln!("xtask check: {} finding(s)", findings.len());
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("xtask check: {error:#}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: cargo xtask check");
            ExitCode::from(64)
        }
    }
}
