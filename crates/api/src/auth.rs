//! Who asks, and what they may.

mod access_key;
mod caller;
mod secret;

pub(crate) use access_key::new_access_key;
pub(crate) use caller::{
    Admin, Allowed, Anyone, CachesRead, CachesWrite, Caller, InstancesRead, InstancesWrite,
};
pub(crate) use secret::token_of;
pub use secret::{TokenSecret, new_token};
