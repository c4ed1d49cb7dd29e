//! Images as a request names them.

use std::str::FromStr;

use model::{ImageReference, ReferenceError};

/// An image in a registry, with the words that it was named in: these come back in answers.
///
/// Never a path of the server, as [`model::ImageSource`] may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenImage {
    /// As given.
    pub text: String,
    /// What it means.
    pub reference: ImageReference,
}

impl FromStr for GivenImage {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Ok(Self { text: text.to_owned(), reference: text.parse()? })
    }
}
