//! Credentials for one registry.

use std::fmt;

use model::RegistryHost;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// User name and password for one registry, and for no other host. They go in and never come out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The registry.
    #[serde(with = "crate::text")]
    #[schema(value_type = String, example = "registry.example.com")]
    pub registry: RegistryHost,
    /// The user.
    #[schema(example = "puller")]
    pub username: String,
    /// The password or token.
    #[schema(write_only, format = Password)]
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("registry", &self.registry).finish_non_exhaustive()
    }
}
