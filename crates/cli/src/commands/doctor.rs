//! `imc doctor`: what works on this machine and what does not.

use std::path::Path;
use std::process::ExitCode;

use node::{Check, CheckResult};

use crate::exit::{CONFIG, Failure};
use crate::printer::Printer;

pub(crate) fn doctor(data_dir: &Path, printer: &Printer) -> Result<ExitCode, Failure> {
    let checks = node::probe(data_dir);
    let failed = checks.iter().any(|check| check.result == CheckResult::Fail);
    printer.result(&checks, || checks.iter().flat_map(lines).collect());
    if failed {
        printer.note("something that starting instances needs is missing; see the lines marked `fail`");
        return Ok(ExitCode::from(CONFIG));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(check: &Check) -> Vec<String> {
    let word = match check.result {
        CheckResult::Ok => "ok  ",
        CheckResult::Warn => "warn",
        CheckResult::Fail => "fail",
    };
    let mut lines = vec![format!("{word}  {:<22} {}", check.name, check.found)];
    if !check.advice.is_empty() {
        lines.push(format!("      {:<22} {}", "", check.advice));
    }
    lines
}
