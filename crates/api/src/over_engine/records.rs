//! What the records tell directly: changes, tokens, numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use metastore::{ChangeKind, ChangeNumber, InstanceFilter};
use model::{AccountId, CacheState};

use super::OverEngine;
use crate::service::{
    Changes, Figures, NumberedChange, ServiceError, ServiceErrorKind, ServiceResult, TokenRecord,
};

/// Where nobody in this process follows the records, they are looked at this often.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

pub(super) fn to_record(token: TokenRecord) -> metastore::TokenRecord {
    metastore::TokenRecord {
        digest: token.digest,
        account: token.account,
        label: token.label,
        scopes: token.scopes.iter().map(ToString::to_string).collect(),
        created: token.created,
        expires: token.expires,
        revoked: token.revoked,
        last_used: token.last_used,
    }
}

pub(super) fn of_record(token: metastore::TokenRecord) -> TokenRecord {
    TokenRecord {
        id: token.id().as_str().to_owned(),
        digest: token.digest,
        account: token.account,
        label: token.label,
        // A scope of a later version allows nothing here.
        scopes: token.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
        created: token.created,
        expires: token.expires,
        revoked: token.revoked,
        last_used: token.last_used,
    }
}

impl OverEngine {
    pub(super) async fn revoke(&self, id: &str) -> ServiceResult<TokenRecord> {
        let unknown = || {
            let message = format!("failed to find the token `{id}`");
            ServiceError::new(ServiceErrorKind::NotFound, message)
        };
        let id = metastore::TokenId::parse(id).ok_or_else(unknown)?;
        let revoked = self.records.revoke_token(&id, self.clock.now()).await?;
        revoked.map(of_record).ok_or_else(unknown)
    }

    pub(super) async fn changes_of(
        &self,
        account: &AccountId,
        after: u64,
        limit: u32,
    ) -> ServiceResult<Changes> {
        let Some(found) = self.engine.changes_after(ChangeNumber(after), limit).await? else {
            return Ok(Changes::Missed);
        };
        let seen = found.last().map_or(after, |last| last.number.0);
        let own = found.into_iter().filter(|change| change.account == *account);
        let numbered = |change: metastore::Change| NumberedChange {
            number: change.number.0,
            subject: change.subject,
            gone: change.kind == ChangeKind::Gone,
            at: change.at,
        };
        Ok(Changes::Known { changes: own.map(numbered).collect(), seen })
    }

    pub(super) async fn wait_for_change(&self, after: u64) {
        // Followed first, looked at second: a change between the two is not missed.
        let mut watcher = self.engine.watch_changes();
        if let Ok(newest) = self.engine.newest_change().await
            && newest.0 > after
        {
            return;
        }
        // Whichever comes first: both only mean another look.
        let _ = tokio::time::timeout(LOOK_INTERVAL, watcher.next()).await;
    }

    pub(super) async fn count(&self) -> ServiceResult<Figures> {
        let mut caches = BTreeMap::new();
        for state in CacheState::ALL {
            let states = Some(vec![state]);
            let filter = metastore::CacheFilter { states, ..metastore::CacheFilter::default() };
            caches.insert(state.as_str(), self.records.count_caches(&filter).await?);
        }
        let ended = self.engine.builds_ended();
        let unfinished = InstanceFilter { unfinished: true, ..InstanceFilter::default() };
        Ok(Figures {
            builds_waiting: caches.get(CacheState::Preparing.as_str()).copied().unwrap_or_default(),
            caches,
            builds_running: self.records.count_running_builds().await?,
            builds_ended: [
                ("succeeded", ended.succeeded),
                ("failed", ended.failed),
                ("cancelled", ended.cancelled),
            ]
            .into(),
            instances_running: self.records.count_instances(&unfinished).await?,
        })
    }
}
