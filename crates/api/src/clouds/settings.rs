//! What the operator says of the two clouds' APIs.

use std::collections::BTreeMap;
use std::fmt;

use model::RegistryHost;
use secrecy::SecretString;

/// What the operator says of the two clouds' APIs.
#[derive(Clone, Debug)]
pub struct CloudSettings {
    /// Whether they are served.
    pub enabled: bool,
    /// Alibaba's.
    pub alibaba: DialectSettings,
    /// Whether the containers of a container group see a network of their own in place of the host's.
    pub isolated_groups: bool,
    /// Tencent's.
    pub tencent: DialectSettings,
    /// The most calls of an account to one operation in a minute; the clouds' own limits count beside it. `None`: no limit.
    pub requests_per_minute: Option<u32>,
    /// Instances of Alibaba's registry service, whose credentials calls need not carry, by their ids.
    pub acr: BTreeMap<String, AcrInstance>,
}

/// What the operator says of one cloud's API.
#[derive(Clone, Debug)]
pub struct DialectSettings {
    /// The regions that are served: all are this one place. None: whatever region a call names. The first has what no call has put
    /// into a region.
    pub regions: Vec<String>,
    /// How many seconds the clocks of caller and server may differ.
    pub skew_seconds: u32,
}

impl DialectSettings {
    /// Whether that region is served.
    pub(super) fn serves(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|known| known == region)
    }

    /// Whether what no call has put into a region is in that one.
    pub(super) fn is_first(&self, region: &str) -> bool {
        self.regions.first().is_none_or(|first| first == region)
    }

    /// Whether what was put into that region, if into any, is in a region.
    pub(super) fn puts_into(&self, region: &str, recorded: Option<&str>) -> bool {
        match recorded {
            _ if !self.has_several() => true,
            Some(recorded) => recorded == region,
            None => self.is_first(region),
        }
    }

    /// Whether regions are told apart.
    pub(super) fn has_several(&self) -> bool {
        self.regions.len() > 1
    }
}

/// An instance of Alibaba's registry service.
#[derive(Clone)]
pub struct AcrInstance {
    /// Its names.
    pub domains: Vec<RegistryHost>,
    /// Who pulls from it.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl fmt::Debug for AcrInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcrInstance").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl Default for CloudSettings {
    fn default() -> Self {
        let dialect =
            |region: &str, skew_seconds| DialectSettings { regions: vec![region.to_owned()], skew_seconds };
        Self {
            enabled: true,
            alibaba: dialect("cn-hangzhou", clouds::alibaba::SKEW_SECONDS),
            isolated_groups: false,
            tencent: dialect("ap-guangzhou", clouds::tencent::SKEW_SECONDS),
            requests_per_minute: None,
            acr: BTreeMap::new(),
        }
    }
}
