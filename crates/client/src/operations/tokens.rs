//! Tokens.

use http::Method;
use wire::{CreateToken, CreatedToken, Token, TokenList};

use crate::call::Call;
use crate::{Client, Result};

const TOKENS: &str = "/v1/tokens";

impl Client {
    /// Creates a token; the answer has what opens, this once.
    ///
    /// # Errors
    /// Those of every operation: [`Error`](crate::Error).
    pub async fn create_token(&self, new: &CreateToken) -> Result<CreatedToken> {
        Call::new("create a token", Method::POST, TOKENS).body(new).fetch(self).await
    }

    /// The account's tokens; with `all` those of every account.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_tokens(&self, all: bool) -> Result<TokenList> {
        let call = Call::new("list the tokens", Method::GET, TOKENS);
        let call = if all { call.query("all", "true") } else { call };
        call.fetch(self).await
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn revoke_token(&self, id: &str) -> Result<Token> {
        Call::on("revoke the token", Method::DELETE, TOKENS, id, "")?.fetch(self).await
    }
}
