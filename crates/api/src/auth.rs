//! Who asks, and what they may.

mod caller;
mod secret;

pub(crate) use caller::{
    Admin, Allowed, Anyone, CachesRead, CachesWrite, Caller, InstancesRead, InstancesWrite,
};
pub use secret::{TokenSecret, new_token};
