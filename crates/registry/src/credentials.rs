//! Who we are to a registry.

use secrecy::SecretString;

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
}
