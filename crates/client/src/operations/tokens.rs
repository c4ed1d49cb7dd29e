//! Tokens.

use http::Method;
use model::AccountId;
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

    /// Every token, or those of one account.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_tokens(&self, account: Option<&AccountId>) -> Result<TokenList> {
        Call::new("list the tokens", Method::GET, TOKENS).maybe_query("account", account).fetch(self).await
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn revoke_token(&self, id: &str) -> Result<Token> {
        Call::on("revoke the token", Method::DELETE, TOKENS, id, "")?.fetch(self).await
    }
}
