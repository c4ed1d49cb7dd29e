//! Who we are to a registry.

use model::RegistryHost;
use secrecy::SecretString;

mod docker_config;
mod helper;
mod keyring;

pub(crate) use docker_config::{erase, store};
pub(crate) use keyring::Keyring;

/// Credentials for one registry host. Never printed: `Debug` shows the user name only.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user name with a password or access token.
    Basic {
        /// The user.
        username: String,
        /// The password; never printed.
        password: SecretString,
    },
    /// An identity (refresh) token, exchanged for access tokens at the registry's token service.
    IdentityToken(SecretString),
}

impl Credentials {
    /// A user name with a password.
    #[must_use]
    pub fn basic(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Basic { username: username.into(), password: SecretString::from(password.into()) }
    }

    /// As helper programs have it: the user `<token>` marks an identity token.
    fn of_pair(username: String, secret: String) -> Self {
        match username.as_str() {
            "<token>" => Self::IdentityToken(SecretString::from(secret)),
            _ => Self::basic(username, secret),
        }
    }
}

/// What Docker's files and helper programs call a registry.
fn docker_key(host: &RegistryHost) -> &str {
    if host.is_docker_hub() { "https://index.docker.io/v1/" } else { host.as_str() }
}
