//! Accounts and access keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clouds::alibaba::ram::Policy;
use engine::VaultError;
use metastore::PAGE_LIMIT;
use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, Timestamp};

use super::OverEngine;
use crate::service::{KnownKey, NewAccessKey, ServiceError, ServiceErrorKind, ServiceResult};

/// The use of a key is noted to the hour.
const HOUR_MICROS: i64 = 3600 * 1_000_000;

/// So many keys are remembered as noted; then all are forgotten, and noted once more than they need be.
const MOST_NOTED: usize = 10_000;

/// When the use of which key was noted last by this process: a request that comes in between asks the records for no write.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted(Arc<Mutex<HashMap<AccessKeyId, Timestamp>>>);

impl Noted {
    /// Whether it is due; it is taken as noted from now on.
    fn is_due(&self, id: &AccessKeyId, now: Timestamp) -> bool {
        let hour = |time: Timestamp| time.as_micros().div_euclid(HOUR_MICROS);
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(id).is_some_and(|last| hour(*last) >= hour(now)) {
            return false;
        }
        if noted.len() >= MOST_NOTED {
            noted.clear();
        }
        noted.insert(id.clone(), now);
        true
    }
}

pub(super) fn unknown(id: &AccessKeyId) -> ServiceError {
    ServiceError::new(ServiceErrorKind::NotFound, format!("failed to find the access key `{id}`"))
}

impl OverEngine {
    pub(super) async fn new_account(&self, id: &AccountId, label: &str) -> ServiceResult<Account> {
        let account = Account { id: id.clone(), label: label.to_owned(), created: self.clock.now() };
        self.records.create_account(&account).await?;
        Ok(account)
    }

    pub(super) async fn new_access_key(&self, new: NewAccessKey) -> ServiceResult<AccessKey> {
        let NewAccessKey { id, account, secret, policy, label } = new;
        let vault = self.engine.vault().ok_or_else(|| VaultError::NoKeyForSecret { key: id.clone() });
        let secret = vault.and_then(|vault| vault.seal_secret(&account, &id, &secret));
        let key = AccessKey {
            secret: secret.map_err(engine::Error::from)?,
            id,
            account,
            status: AccessKeyStatus::Enabled,
            policy,
            label,
            created: self.clock.now(),
            last_used: None,
        };
        self.records.create_access_key(&key).await?;
        Ok(key)
    }

    pub(super) async fn all_access_keys(&self, account: Option<&AccountId>) -> ServiceResult<Vec<AccessKey>> {
        let mut keys: Vec<AccessKey> = Vec::new();
        loop {
            let page = self.records.access_keys(account, keys.last().map(|key| &key.id), PAGE_LIMIT).await?;
            if page.is_empty() {
                keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
                return Ok(keys);
            }
            keys.extend(page);
        }
    }

    pub(super) async fn known_key(&self, id: &AccessKeyId) -> ServiceResult<Option<KnownKey>> {
        let Some(key) = self.records.access_key(id).await? else { return Ok(None) };
        let vault = self.engine.vault().ok_or_else(|| VaultError::NoKeyForSecret { key: id.clone() });
        let secret = vault.and_then(|vault| vault.open_secret(&key.account, id, &key.secret));
        let policy = Policy::from_json(&key.policy).map_err(|error| {
            let message = format!("failed to read what the access key {id} allows");
            ServiceError::new(ServiceErrorKind::Internal, message).because(error)
        })?;
        Ok(Some(KnownKey {
            account: key.account,
            secret: secret.map_err(engine::Error::from)?,
            policy,
            is_enabled: key.status == AccessKeyStatus::Enabled,
        }))
    }

    pub(super) async fn note_use_of_key(&self, id: &AccessKeyId) -> ServiceResult<()> {
        let now = self.clock.now();
        match self.noted.is_due(id, now) {
            true => Ok(self.records.touch_access_key(id, now).await?),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_once_an_hour() {
        let (noted, one) = (Noted::default(), AccessKeyId::of_random(&"a".repeat(20)).unwrap());
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60 * 1_000_000);
        let due: Vec<bool> = [1, 59, 60, 61, 200].map(|minute| noted.is_due(&one, at(minute))).into();
        assert_eq!(due, [true, false, true, false, true]);
        let other = AccessKeyId::of_random(&"b".repeat(20)).unwrap();
        assert!(noted.is_due(&other, at(200)));
    }
}
