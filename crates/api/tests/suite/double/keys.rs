//! The double's accounts and access keys.

use std::collections::HashMap;

use api::service::{KnownKey, NewAccessKey, ServiceError, ServiceErrorKind, ServiceResult};
use clouds::alibaba::ram::Policy;
use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret};
use secrecy::SecretString;

use super::{not_found, now};

#[derive(Default)]
pub(super) struct Keys {
    accounts: Vec<Account>,
    keys: Vec<AccessKey>,
    /// What the keys sign with.
    secrets: HashMap<AccessKeyId, SecretString>,
}

impl Keys {
    fn has_account(&self, id: &AccountId) -> bool {
        self.accounts().iter().any(|account| account.id == *id)
    }

    fn key(&mut self, id: &AccessKeyId) -> ServiceResult<&mut AccessKey> {
        self.keys.iter_mut().find(|key| key.id == *id).ok_or_else(|| not_found(id.as_str()))
    }

    pub(super) fn accounts(&self) -> Vec<Account> {
        [vec![Account::local()], self.accounts.clone()].concat()
    }

    pub(super) fn create_account(&mut self, id: &AccountId, label: &str) -> ServiceResult<Account> {
        if self.has_account(id) {
            return Err(ServiceError::new(ServiceErrorKind::NameTaken, "it is there").about("id"));
        }
        let account = Account { id: id.clone(), label: label.to_owned(), created: now() };
        self.accounts.push(account.clone());
        Ok(account)
    }

    pub(super) fn create(&mut self, new: NewAccessKey) -> ServiceResult<AccessKey> {
        if !self.has_account(&new.account) {
            return Err(not_found(new.account.as_str()).about("account"));
        }
        let key = AccessKey {
            id: new.id.clone(),
            account: new.account,
            secret: SealedSecret::from_bytes(Vec::new()),
            status: AccessKeyStatus::Enabled,
            policy: new.policy,
            label: new.label,
            created: now(),
            last_used: None,
        };
        self.secrets.insert(new.id, new.secret);
        self.keys.push(key.clone());
        Ok(key)
    }

    pub(super) fn list(&self, account: Option<&AccountId>) -> Vec<AccessKey> {
        let own = |key: &&AccessKey| account.is_none_or(|account| key.account == *account);
        self.keys.iter().filter(own).cloned().collect()
    }

    pub(super) fn set_status(
        &mut self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> ServiceResult<AccessKey> {
        let key = self.key(id)?;
        key.status = status;
        Ok(key.clone())
    }

    pub(super) fn delete(&mut self, id: &AccessKeyId) -> ServiceResult<AccessKey> {
        let gone = self.key(id)?.clone();
        self.keys.retain(|key| key.id != *id);
        Ok(gone)
    }

    pub(super) fn known(&self, id: &AccessKeyId) -> Option<KnownKey> {
        let key = self.keys.iter().find(|key| key.id == *id)?;
        Some(KnownKey {
            account: key.account.clone(),
            secret: self.secrets[id].clone(),
            policy: Policy::from_json(&key.policy).unwrap(),
            is_enabled: key.status == AccessKeyStatus::Enabled,
        })
    }

    pub(super) fn note_use(&mut self, id: &AccessKeyId) -> ServiceResult<()> {
        self.key(id)?.last_used = Some(now());
        Ok(())
    }
}
