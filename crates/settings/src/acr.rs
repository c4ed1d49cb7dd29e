//! The file that `clouds.acr_file` names: who pulls from which instance of Alibaba's registry service, so that no password travels
//! in a request.
//!
//! ```toml
//! [cri-example12345678]
//! domains = ["shop-registry.cn-hangzhou.cr.aliyuncs.com"]
//! username = "puller"
//! password_file = "/etc/imc/acr.password"
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use model::RegistryHost;
use serde::Deserialize;

/// Who pulls from an instance of the registry service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcrLogin {
    /// The instance's names, as they stand in references; at least one.
    pub domains: Vec<RegistryHost>,
    /// The user.
    pub username: String,
    /// A file whose first line is the password.
    pub password_file: PathBuf,
}

/// Why the file is refused.
#[derive(Debug, thiserror::Error)]
pub enum AcrError {
    /// No TOML, or of another shape.
    #[error("failed to read the instances of the registry service")]
    Shape(#[source] toml::de::Error),
    /// A domain that is none, or no domain.
    #[error(
        "failed to read the domains of the instance `{0}`: expected at least one registry as in references, HOST[:PORT]"
    )]
    Domains(String),
    /// Somewhere on the disk.
    #[error("failed to read the password file of the instance `{0}`: expected an absolute path")]
    Path(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    domains: Vec<String>,
    username: String,
    password_file: PathBuf,
}

/// Reads the file's text: each instance by its id. No password file is opened.
///
/// # Errors
/// Where it is of another form.
pub fn read_acr(text: &str) -> Result<BTreeMap<String, AcrLogin>, AcrError> {
    let said: BTreeMap<String, Said> = toml::from_str(text).map_err(AcrError::Shape)?;
    said.into_iter().map(|(id, said)| Ok((id.clone(), login(id, said)?))).collect()
}

fn login(id: String, said: Said) -> Result<AcrLogin, AcrError> {
    let domains: Result<Vec<RegistryHost>, _> = said.domains.iter().map(|domain| domain.parse()).collect();
    let Some(domains) = domains.ok().filter(|domains| !domains.is_empty()) else {
        return Err(AcrError::Domains(id));
    };
    if !said.password_file.is_absolute() {
        return Err(AcrError::Path(id));
    }
    Ok(AcrLogin { domains, username: said.username, password_file: said.password_file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_whole_and_refuses_the_rest() {
        let text = "[cri-1]\ndomains = [\"a.example\", \"b.example:5000\"]\nusername = \"u\"\npassword_file = \"/p\"\n";
        let read = read_acr(text).unwrap();
        assert_eq!((read.len(), read["cri-1"].domains.len()), (1, 2));
        assert_eq!(read["cri-1"].password_file, PathBuf::from("/p"));
        assert!(read_acr("").unwrap().is_empty());
        for (from, to) in [
            ("\"a.example\"", "\"a b\""),
            ("[\"a.example\", \"b.example:5000\"]", "[]"),
            ("\"/p\"", "\"p\""),
            ("username", "user"),
            ("username = \"u\"\n", ""),
            ("password_file", "password"),
        ] {
            assert!(read_acr(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
