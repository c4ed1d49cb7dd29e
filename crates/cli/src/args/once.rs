//! The word by which a request is known where it comes again.

use clap::Args;
use wire::IdempotencyKey;

use super::whole;
use crate::exit::Failure;

/// Whether a request is carried out once, however often it comes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OnceArgs {
    /// A word by which the request is known where it comes again: it is carried out once, and answered as the first time
    #[arg(long, value_name = "WORD", value_parser = whole::<IdempotencyKey>)]
    pub(crate) client_token: Option<IdempotencyKey>,
}

impl OnceArgs {
    /// For a command that takes several words, each of which is a request of its own: a token is for one of them.
    pub(crate) fn for_one_of(&self, words: &[String]) -> Result<(), Failure> {
        if self.client_token.is_none() || words.len() == 1 {
            return Ok(());
        }
        let message =
            format!("failed to take one `--client-token` for {} requests: it is for one", words.len());
        Err(Failure::input(message))
    }
}
