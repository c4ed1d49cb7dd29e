//! Images from a registry, an OCI image layout directory, or a docker archive.
//!
//! [`Registry::resolve`] turns an image argument into exactly one manifest with its config, every document checked
//! against its digest; [`Registry::fetch_layer`] streams one layer's bytes in order, over one connection or several, with
//! retries and resumption. The length of a layer is checked here; its digest is checked by whoever hashes it while it is
//! unpacked, so that no byte is hashed twice.
//!
//! Credentials stay with the host they were given for, also across redirects and mirrors.

mod archive;
mod credentials;
mod document;
mod error;
mod fault;
mod hosts;
mod image;
mod layout;
mod peek;
mod registry;
mod remote;
mod resolve;
mod settings;
mod stream;
mod wire;

pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use fault::Fault;
pub use image::ResolvedImage;
pub use peek::Peek;
pub use registry::Registry;
pub use settings::{HostList, HostListError, RangeSettings, RetryPolicy, Settings, Spool, Timeouts};
pub use stream::LayerStream;
