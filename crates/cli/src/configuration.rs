//! Where the configuration is, and what a command takes from it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use settings::{Flag, Loaded, Machine, Refusal, Refused, Sources, load};

use crate::args::{DataDirFrom, RegistryArgs};
use crate::exit::Failure;
use crate::printer::Printer;

/// The file that counts where none is named.
const FILE: &str = "/etc/imc/imc.toml";
/// No configuration is longer, however much it explains.
const LONGEST: u64 = 1 << 20;

/// What the command line says of the configuration.
#[derive(Debug)]
pub(crate) struct Said {
    /// The file, by `--config` or `IMC_CONFIG`.
    pub(crate) file: Option<PathBuf>,
    /// The data directory, however it was said.
    pub(crate) data_dir: PathBuf,
    /// How it was said.
    pub(crate) data_dir_from: DataDirFrom,
}

/// A configuration that was refused: a failure for each thing that is wrong, at least one.
pub(crate) struct Failures(pub(crate) Vec<Failure>);

impl From<Refused> for Failures {
    fn from(refused: Refused) -> Self {
        Self(refused.refusals().iter().map(failure).collect())
    }
}

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        Self(vec![failure])
    }
}

/// For a command that has other things to do: the first that is wrong, and how to see the others.
impl From<Failures> for Failure {
    fn from(failures: Failures) -> Self {
        let others = failures.0.len().saturating_sub(1);
        let first = failures.0.into_iter().next();
        let first = first.unwrap_or_else(|| Self::internal("failed to read the configuration"));
        match others {
            0 => first,
            _ => {
                let more = format!("{others} more: `imc config show` says all that is wrong");
                Self { advice: Some(more), ..first }
            }
        }
    }
}

fn failure(refusal: &Refusal) -> Failure {
    let advice = match refusal {
        Refusal::Syntax { .. } => "the file is TOML; `imc config example` prints one that is right",
        Refusal::UnknownKey { .. } => "`imc config example` prints every setting",
        Refusal::Value { .. } | Refusal::Clash { .. } => "`imc config example` explains the settings",
        Refusal::Misplaced { .. } => "take it out of there, and put it into a file that nobody else can read",
    };
    Failure::configuration(refusal.to_string(), advice)
}

/// Reads what was said where. A file that is there by default and closed to this user is left aside with a warning: it is
/// the server's.
pub(crate) fn read(said: &Said, printer: &Printer) -> Result<Loaded, Failures> {
    read_with(said, Vec::new(), printer)
}

/// The same, with what options of a command say over all of it.
pub(crate) fn read_with(said: &Said, mut flags: Vec<Flag>, printer: &Printer) -> Result<Loaded, Failures> {
    let file = match &said.file {
        Some(path) => Some(file(path)?),
        None => match contents(Path::new(FILE)) {
            Ok(text) => Some(settings::File { path: PathBuf::from(FILE), text }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                printer.warning(&format!("what {FILE} says is left aside: {error}"));
                None
            }
            Err(error) => return Err(unreadable(Path::new(FILE), &error).into()),
        },
    };
    if said.data_dir_from == DataDirFrom::CommandLine {
        let values = vec![said.data_dir.clone().into_os_string()];
        flags.push(Flag { key: "data_dir", option: "--data-dir", values });
    }
    let environment = std::env::vars_os().collect();
    Ok(load(&Sources { flags, environment, file, machine: machine() })?)
}

/// Reads a file alone, as if nothing else said anything.
pub(crate) fn read_alone(path: &Path) -> Result<Loaded, Failures> {
    let file = Some(file(path)?);
    Ok(load(&Sources { file, ..Sources::none(machine()) })?)
}

/// What holds where nothing is said.
pub(crate) fn defaults() -> Result<Loaded, Failures> {
    Ok(load(&Sources::none(machine()))?)
}

fn machine() -> Machine {
    Machine { processors: std::thread::available_parallelism().map_or(1, Into::into) }
}

fn file(path: &Path) -> Result<settings::File, Failure> {
    let text = contents(path).map_err(|error| unreadable(path, &error))?;
    Ok(settings::File { path: path.to_owned(), text })
}

fn contents(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {LONGEST} bytes"),
        ));
    }
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("failed to read the configuration file {}: {error}", path.display());
    let advice = "check `--config FILE` and IMC_CONFIG; `imc config example` prints a file to begin with";
    Failure::configuration(message, advice)
}

impl RegistryArgs {
    /// The same; what the command line leaves open is as configured.
    pub(crate) fn or(&self, configured: &settings::Registries) -> Self {
        let joined = |hosts: &[model::RegistryHost]| {
            let hosts: Vec<&str> = hosts.iter().map(model::RegistryHost::as_str).collect();
            Some(hosts.join(","))
        };
        let paths = |given: &[PathBuf], variable: &str, configured: &[PathBuf]| {
            // The command line takes a variable as one path; as configured it is all that it holds.
            let is_the_variable =
                matches!(given, [only] if std::env::var_os(variable).is_some_and(|value| value == *only));
            if given.is_empty() || is_the_variable { configured.to_vec() } else { given.to_vec() }
        };
        Self {
            plain_http: self.plain_http.clone().or_else(|| joined(&configured.plain_http)),
            insecure_registry: self.insecure_registry.clone().or_else(|| joined(&configured.insecure)),
            ca_file: paths(&self.ca_file, "IMC_CA_FILE", &configured.ca_files),
            certs_d: paths(&self.certs_d, "IMC_CERTS_D", &configured.certs_dirs),
        }
    }
}
