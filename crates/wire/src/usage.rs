//! How much of its quotas an account uses.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account has, and how much it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Caches that users created.
    pub manual_caches: u64,
    /// The most of these.
    pub manual_quota: u64,
    /// Caches that starts created.
    pub automatic_caches: u64,
    /// The most of these.
    pub automatic_quota: u64,
}
