//! How the images' registries are reached: what the call says, and the credentials that the operator has for instances of Alibaba's
//! registry service.

use clouds::alibaba::request::{AcrRegistryInfo, RegistryAccess, RegistryCredential};
use clouds::alibaba::{ErrorCode, Refusal};
use secrecy::ExposeSecret as _;
use wire::Login;

use super::Caller;

/// How registries are spoken to.
pub(super) fn spoken_to(access: &RegistryAccess) -> model::RegistryAccess {
    model::RegistryAccess {
        plain_http: access.plain_http.iter().cloned().collect(),
        insecure: access.insecure.iter().cloned().collect(),
    }
}

impl Caller {
    /// The logins that a call means: those that it sends count before those that it has looked up.
    pub(super) fn logins(
        &self,
        credentials: &[RegistryCredential],
        acr: &[AcrRegistryInfo],
    ) -> Result<Vec<Login>, Refusal> {
        let mut logins = Vec::new();
        for (index, info) in acr.iter().enumerate() {
            logins.extend(self.acr_logins(index + 1, info)?);
        }
        // Of two for one registry the last counts.
        logins.extend(credentials.iter().map(|credential| Login {
            registry: credential.server.clone(),
            username: credential.user_name.clone(),
            password: credential.password.expose().to_owned(),
        }));
        Ok(logins)
    }

    fn acr_logins(&self, number: usize, info: &AcrRegistryInfo) -> Result<Vec<Login>, Refusal> {
        let id = info.instance_id.as_str();
        let Some(instance) = self.edge.clouds().acr.get(id) else {
            let message = format!("The specified registry instance {id} does not exist.");
            return Err(Refusal::new(ErrorCode::InvalidParameterNotFound).saying(&message));
        };
        // A name that is none of the instance's would have its password sent to somebody else.
        if let Some(place) = info.domains.iter().position(|domain| !instance.domains.contains(domain)) {
            return Err(Refusal::invalid(&format!("AcrRegistryInfo.{number}.Domain.{}", place + 1)));
        }
        let domains = if info.domains.is_empty() { &instance.domains } else { &info.domains };
        let login = |domain: &model::RegistryHost| Login {
            registry: domain.clone(),
            username: instance.user.clone(),
            password: instance.password.expose_secret().to_owned(),
        };
        Ok(domains.iter().map(login).collect())
    }
}
