//! The client itself: where it asks, and as whom.

use std::sync::Arc;

use model::AccountId;
use secrecy::SecretString;
use wire::IdempotencyKey;

use crate::Transport;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) token: Option<SecretString>,
    pub(crate) account: Option<AccountId>,
    pub(crate) key: Option<IdempotencyKey>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.server()).field("account", &self.account).finish()
    }
}

impl Client {
    /// Asks by that transport, without a token.
    #[must_use]
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self { transport: Arc::new(transport), token: None, account: None, key: None }
    }

    /// With that bearer token.
    #[must_use]
    pub fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// For that account; only an administrator may.
    #[must_use]
    pub fn for_account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// With that idempotency key in every request that changes anything: asked again, each is carried out once and answered as the
    /// first time. A key is for one request of each operation.
    #[must_use]
    pub fn once(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Where it asks, for people.
    #[must_use]
    pub fn server(&self) -> &str {
        self.transport.server()
    }
}
