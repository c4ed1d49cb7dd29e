//! A method per operation.

mod access_keys;
mod caches;
mod instances;
mod server;
mod tokens;

pub use caches::ListCaches;
pub use instances::ListInstances;
