//! Credentials at rest: sealed by AES-256-GCM under a key of the server's, and bound to the record that they belong to.
//!
//! A [`KeyRing`] has one active key, which seals, and older ones, which only open. [`KeyRing::seal`] takes a secret and its
//! [`Owner`] and gives a [`Sealed`] value for the records; [`KeyRing::open`] gives the secret back, to the same owner alone.
//! Rotation is three steps: [`KeyRing::rotated`] with [`KeyRing::write`], then [`KeyRing::reseal`] for every record, then
//! [`KeyRing::only_active`] with [`KeyRing::write`].
//!
//! # The key file
//!
//! Text. Each line is a key: 32 random bytes in base64 with padding, as `openssl rand -base64 32` prints them. The first one
//! is active, the others are older. Empty lines and those that begin with `#` mean nothing. At most 64 keys. The file must be
//! readable by its owner alone (mode 600 or 400).
//!
//! # The sealed form
//!
//! ```text
//! offset  size
//!      0     1  version, 1
//!      1     8  key id: the first bytes of SHA-256 over "imc key id 1" and the key
//!      9    12  nonce, random
//!     21     n  ciphertext
//!   21+n    16  tag
//! ```
//!
//! The associated data is the first 9 bytes, then the length of the account's id (8 bytes, big endian), that id, and the
//! record's id: a sealed value that is copied to another row, or whose version or key id is changed, does not open.
//!
//! Under one key no more than 2^32 values may be sealed, since nonces are random (NIST SP 800-38D, 8.3).

mod envelope;
mod key;
mod keys;
mod owner;

pub use envelope::{EnvelopeError, LONGEST_SECRET, Sealed};
pub use key::KeyId;
pub use keys::{KeyFileError, KeyRing, KeyTextError, OpenError, SealError};
pub use owner::Owner;
