//! Parts for tests, so that a test says in a few lines what the world around it looks like.
//!
//! - [`Registry`]: Debian's `docker-registry` on a free port of loopback, plain or with TLS, a password or tokens.
//! - [`FaultServer`]: a registry that lies, cuts, hangs and redirects as its script says, and records what it was asked.
//! - [`LayerBuilder`], [`ImageBuilder`]: any layer and image in milliseconds, as an OCI layout, a docker archive,
//!   in a [`Registry`] or in a [`FaultServer`].
//! - [`matching`]: caches and requests for properties of matching.
//! - [`Postgres`]: Debian's PostgreSQL on a socket in a private folder, one for all tests of a process, or one that a test
//!   stops.
//! - [`privileged`], [`data_dir`], [`assert_no_mounts_left`]: around tests that mount.
//!
//! Everything is synchronous and runs on threads of its own: it serves sync and async tests alike, and a blocked
//! server never blocks the runtime of the code under test. Whatever is started ends when its value is dropped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test parts: what fails here fails the test"
)]

mod certificate;
mod digest;
mod environment;
mod fault;
mod http;
mod image;
mod layer;
pub mod matching;
mod mounts;
mod postgres;
mod registry;
mod server;

pub use certificate::TestCertificate;
pub use digest::sha256;
pub use environment::{data_dir, privileged, program, test_image};
pub use fault::{FaultServer, Reply};
pub use http::Request;
pub use image::{Image, ImageBuilder, ImageIndex, MediaTypes};
pub use layer::{Compression, Entry, EntryKind, Layer, LayerBuilder};
pub use mounts::{assert_no_mounts_left, mounts_below};
pub use postgres::{Postgres, Stop};
pub use registry::{LoggedRequest, Registry, RegistryBuilder};
