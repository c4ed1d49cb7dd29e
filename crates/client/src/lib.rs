//! The typed client of the native API: a method per operation, over TCP, over a unix socket, or in this very process.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::Error> {
//! let client = client::Client::new(client::HttpTransport::unix("/var/lib/imc/imc.sock".as_ref())?);
//! let cache = client.create_cache(
//!     &wire::CreateCache::of("web".parse().unwrap(), vec!["docker.io/library/nginx:1.29".parse().unwrap()]),
//! ).await?;
//! let mut watch = client.watch_cache(&cache.id.to_string());
//! while let Some(progress) = watch.next().await? {
//!     println!("{} %", progress.progress_percent);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A refusal is the server's own problem, typed ([`Error::Refused`]). Streams that can be resumed are, by themselves.

mod call;
mod client;
mod error;
mod events;
mod operations;
mod transport;
mod watch;

pub use client::Client;
pub use error::Error;
pub use operations::{ListCaches, ListInstances};
pub use transport::{ByteStream, HttpTransport, InProcess, Transport, TransportError, Trust};
pub use trust::is_loopback;
pub use watch::{ChangeWatch, Changed, ExecFeed, LogFeed, ProgressWatch};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
