//! What the configuration says of the clouds' interfaces, with the passwords that it names.

use std::collections::BTreeMap;
use std::path::Path;

use api::{AcrInstance, CloudSettings, DialectSettings};
use secrecy::SecretString;
use settings::{AcrLogin, Clouds};

use crate::exit::Failure;

const ADVICE: &str = "check clouds.acr_file and the password files that it names";

/// What the configuration says. Files are read now, so that a server without them says so before it takes calls.
pub(super) fn settings(said: &Clouds) -> Result<CloudSettings, Failure> {
    let dialect = |regions: &[settings::RegionName], skew: std::time::Duration| DialectSettings {
        regions: regions.iter().map(ToString::to_string).collect(),
        skew_seconds: u32::try_from(skew.as_secs()).unwrap_or(u32::MAX),
    };
    Ok(CloudSettings {
        enabled: said.enabled,
        alibaba: dialect(&said.alibaba_regions, said.alibaba_skew),
        isolated_groups: said.alibaba_isolated_groups,
        tencent: dialect(&said.tencent_regions, said.tencent_skew),
        requests_per_minute: said.requests_per_minute,
        acr: said.acr_file.as_deref().map(acr).transpose()?.unwrap_or_default(),
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::configuration(format!("failed to read {}: {error}", path.display()), ADVICE)
    })
}

fn acr(path: &Path) -> Result<BTreeMap<String, AcrInstance>, Failure> {
    let logins = settings::read_acr(&read(path)?)
        .map_err(|error| Failure::configuration(engine::chain(&error), ADVICE))?;
    logins.into_iter().map(|(id, login)| Ok((id, instance(login)?))).collect()
}

fn instance(login: AcrLogin) -> Result<AcrInstance, Failure> {
    let text = SecretString::from(read(&login.password_file)?);
    let password = first_line(&text);
    Ok(AcrInstance { domains: login.domains, user: login.username, password })
}

fn first_line(text: &SecretString) -> SecretString {
    use secrecy::ExposeSecret as _;
    text.expose_secret().lines().next().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("password"), "secret word\nmore\n").unwrap();
        let text = format!(
            "[cri-1]\ndomains = [\"a.example\"]\nusername = \"u\"\npassword_file = \"{}\"\n",
            path("password").display()
        );
        std::fs::write(path("acr.toml"), text).unwrap();
        let said = Clouds { enabled: true, acr_file: Some(path("acr.toml")), ..Clouds::default() };
        let read = settings(&said).unwrap();
        assert_eq!(read.acr["cri-1"].password.expose_secret(), "secret word");
        std::fs::remove_file(path("password")).unwrap();
        assert!(settings(&said).is_err());
    }
}
