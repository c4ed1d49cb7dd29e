//! The clouds' APIs over the double: signed as their SDKs sign.

mod alibaba;
mod bounds;
mod compat;
mod groups;
mod permission;
mod signing;
mod tencent;

use std::sync::Arc;

use api::CloudSettings;
use api::service::{NewAccessKey, Service as _};
use model::{AccessKeyId, AccountId};

use crate::double::Double;
use crate::harness::Harness;
use signing::Key;

pub(crate) const FULL: &str = clouds::alibaba::ram::FULL_ACCESS;

/// An edge with one key of the account `local`.
pub(crate) struct Place {
    pub(crate) harness: Harness,
    pub(crate) key: Key,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(CloudSettings::default()).await
    }

    pub(crate) async fn with(clouds: CloudSettings) -> Self {
        Self::of(Harness::with_clouds(clouds)).await
    }

    pub(crate) async fn of(harness: Harness) -> Self {
        let key = key(&harness.double, "local", FULL).await;
        Self { harness, key }
    }

    pub(crate) async fn key_of(&self, account: &str, policy: &str) -> Key {
        key(&self.harness.double, account, policy).await
    }
}

/// A new key of an account, which is made where it is not there.
async fn key(double: &Arc<Double>, account: &str, policy: &str) -> Key {
    let account: AccountId = account.parse().unwrap();
    let _ = double.create_account(&account, "").await;
    let number = double.access_keys(None).await.unwrap().len();
    let id = AccessKeyId::of_random(&format!("{number:020}")).unwrap();
    let key = Key { id: id.to_string(), secret: format!("secret of {id}") };
    let new = NewAccessKey {
        id,
        account,
        secret: key.secret.clone().into(),
        policy: policy.to_owned(),
        label: String::new(),
    };
    double.create_access_key(new).await.unwrap();
    key
}
