//! Accounts and access keys in memory.

use std::ops::Bound;

use model::{AccessKey, AccessKeyId, AccessKeyStatus, Account, AccountId, SealedSecret, Timestamp};

use super::Records;
use crate::error::taken;
use crate::{Error, PAGE_LIMIT, Result, rules};

impl Records {
    pub(super) fn create_account(&mut self, account: &Account) -> Result<()> {
        if self.account(&account.id).is_some() {
            return Err(Error::AccountTaken(account.id.clone()));
        }
        let kept = Account { label: rules::kept(&account.label), ..account.clone() };
        self.accounts.insert(account.id.clone(), kept);
        Ok(())
    }

    pub(super) fn account(&self, id: &AccountId) -> Option<Account> {
        let local = Account::local();
        if *id == local.id { Some(local) } else { self.accounts.get(id).cloned() }
    }

    pub(super) fn accounts(&self) -> Vec<Account> {
        let mut accounts: Vec<Account> = self.accounts.values().cloned().collect();
        accounts.push(Account::local());
        accounts.sort_by(|one, other| one.id.cmp(&other.id));
        accounts
    }

    pub(super) fn create_access_key(&mut self, key: &AccessKey) -> Result<()> {
        if self.account(&key.account).is_none() {
            return Err(Error::NoAccount(key.account.clone()));
        }
        if self.access_keys.contains_key(&key.id) {
            return Err(taken("access key", &key.id));
        }
        let kept = AccessKey { label: rules::kept(&key.label), ..key.clone() };
        self.access_keys.insert(key.id.clone(), kept);
        Ok(())
    }

    pub(super) fn access_keys(
        &self,
        account: Option<&AccountId>,
        after: Option<&AccessKeyId>,
        limit: u32,
    ) -> Vec<AccessKey> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.access_keys.range::<AccessKeyId, _>((from, Bound::Unbounded)).map(|(_, key)| key);
        let wanted = behind.filter(|key| account.is_none_or(|one| key.account == *one));
        wanted.take(limit.min(PAGE_LIMIT) as usize).cloned().collect()
    }

    pub(super) fn set_access_key_status(
        &mut self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Option<AccessKey> {
        let key = self.access_keys.get_mut(id)?;
        key.status = status;
        Some(key.clone())
    }

    pub(super) fn reseal_access_key(
        &mut self,
        id: &AccessKeyId,
        from: &SealedSecret,
        to: &SealedSecret,
    ) -> bool {
        let key = self.access_keys.get_mut(id).filter(|key| key.secret == *from);
        key.map(|key| key.secret = to.clone()).is_some()
    }

    pub(super) fn touch_access_key(&mut self, id: &AccessKeyId, now: Timestamp) {
        if let Some(key) = self.access_keys.get_mut(id) {
            key.last_used = key.last_used.max(Some(rules::hour_of(now)));
        }
    }
}
