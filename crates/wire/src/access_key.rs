//! Accounts, and the access keys that sign requests to the clouds' interfaces.

use std::fmt;

use model::{AccessKeyId, AccessKeyStatus, AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Asks for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "shop", "label": "the web shop"}))]
pub struct CreateAccount {
    /// Its id: 1 to 64 characters of a-z, 0-9, `-` and `_`, beginning with a letter or digit.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub id: AccountId,
    /// What it is for, for people; at most 128 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 128)]
    pub label: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Its id.
    #[schema(example = "shop")]
    pub id: String,
    /// What it is for.
    pub label: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

/// Accounts, in order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountList {
    /// The accounts.
    pub items: Vec<Account>,
}

/// What an access key may do, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyPreset {
    /// Everything.
    #[default]
    Full,
    /// Looking at everything, changing nothing.
    ReadOnly,
}

impl PolicyPreset {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read-only",
        }
    }
}

impl fmt::Display for PolicyPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an access key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyStatus {
    /// It does.
    Enabled,
    /// Not now: whatever it signs is refused.
    Disabled,
}

impl KeyStatus {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        AccessKeyStatus::from(self).as_str()
    }
}

impl From<AccessKeyStatus> for KeyStatus {
    fn from(status: AccessKeyStatus) -> Self {
        match status {
            AccessKeyStatus::Enabled => Self::Enabled,
            AccessKeyStatus::Disabled => Self::Disabled,
        }
    }
}

impl From<KeyStatus> for AccessKeyStatus {
    fn from(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Enabled => Self::Enabled,
            KeyStatus::Disabled => Self::Disabled,
        }
    }
}

/// Asks for an access key: what signs requests to the clouds' interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"account": "shop", "label": "deploy", "preset": "read-only"}))]
pub struct CreateAccessKey {
    /// In whose name it signs; the caller's account where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountId>,
    /// What it is for, for people; at most 128 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 128)]
    pub label: String,
    /// What it may do; `full` where neither this nor `policy` is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PolicyPreset>,
    /// What it may do, in the place of `preset`: a RAM policy of version 1, with `StringEquals` on `eci:tag/KEY` as its only
    /// condition; at most 6144 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub policy: Option<Value>,
}

/// Changes an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "disabled"}))]
pub struct UpdateAccessKey {
    /// Whether it signs from now on.
    pub status: KeyStatus,
}

/// An access key as it is told; its secret is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessKey {
    /// Its id.
    #[schema(value_type = String, example = "LTAI5tExampleExampleXY01")]
    pub id: AccessKeyId,
    /// In whose name it signs.
    pub account: String,
    /// Whether it signs.
    pub status: KeyStatus,
    /// What it is for.
    pub label: String,
    /// What it may do in one word, where there is one for it.
    pub preset: Option<PolicyPreset>,
    /// What it may do.
    #[schema(value_type = Object)]
    pub policy: Value,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When a request last came that it had signed, to the hour.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
}

/// An access key that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedAccessKey {
    /// What is known of it.
    #[serde(flatten)]
    pub key: AccessKey,
    /// What it signs with. It is kept sealed and told this once.
    #[schema(example = "...")]
    pub secret: String,
}

impl fmt::Debug for CreatedAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedAccessKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Access keys, in order of creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessKeyList {
    /// The access keys.
    pub items: Vec<AccessKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_the_model_has_them() {
        for status in AccessKeyStatus::ALL {
            let told = KeyStatus::from(status);
            assert_eq!(AccessKeyStatus::from(told), status);
            assert_eq!(serde_json::to_value(told).unwrap(), status.as_str());
        }
        for preset in [PolicyPreset::Full, PolicyPreset::ReadOnly] {
            assert_eq!(serde_json::to_value(preset).unwrap(), preset.as_str());
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let key = AccessKey {
            id: AccessKeyId::of_random(&"a".repeat(20)).unwrap(),
            account: "local".to_owned(),
            status: KeyStatus::Enabled,
            label: String::new(),
            preset: None,
            policy: Value::Null,
            created: Timestamp::from_micros(0),
            last_used: None,
        };
        let made = CreatedAccessKey { key, secret: "hunter2".to_owned() };
        assert!(!format!("{made:?}").contains("hunter2"));
    }
}
