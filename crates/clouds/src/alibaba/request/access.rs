//! How images' registries are reached.

use model::RegistryHost;

use super::secret::Secret;
use super::text::{FreeName, RegionId, ResourceId};
use crate::alibaba::error::Refusal;
use crate::alibaba::parameters::Fields;

const MOST_CREDENTIALS: usize = 10;
const MOST_ACR_INSTANCES: usize = 20;
const MOST_DOMAINS: usize = 100;
const MOST_HOSTS: usize = 100;

/// `ImageRegistryCredential.N`: who pulls from one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryCredential {
    /// `Server`: the registry.
    pub server: RegistryHost,
    /// `UserName`
    pub user_name: String,
    /// `Password`, which may be empty.
    pub password: Secret,
}

impl RegistryCredential {
    pub(super) fn read_all(fields: &Fields<'_>) -> Result<Vec<Self>, Refusal> {
        fields.objects("ImageRegistryCredential", MOST_CREDENTIALS, |credential| {
            let password = credential.blank_or("Password").ok_or_else(|| credential.missing("Password"))?;
            Ok(Self {
                server: credential.required("Server")?,
                user_name: credential.required("UserName")?,
                password: password.parse().map_err(|_| credential.invalid("Password"))?,
            })
        })
    }
}

/// `AcrRegistryInfo.N`: an instance of Alibaba's registry service, whose credentials are looked up rather than sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcrRegistryInfo {
    /// `InstanceId`
    pub instance_id: ResourceId,
    /// `InstanceName`
    pub instance_name: Option<FreeName>,
    /// `RegionId`: that of the instance, which may be another than the cache's.
    pub region: Option<RegionId>,
    /// `Domain.M`: its names; all of them where there is none.
    pub domains: Vec<RegistryHost>,
    /// `ArnService`: the role of this account. Not of an update.
    pub arn_service: Option<ResourceId>,
    /// `ArnUser`: the role of the account that owns the instance. Not of an update.
    pub arn_user: Option<ResourceId>,
}

impl AcrRegistryInfo {
    /// Without the roles, as an update has it.
    pub(super) fn read_all(fields: &Fields<'_>) -> Result<Vec<Self>, Refusal> {
        fields.objects("AcrRegistryInfo", MOST_ACR_INSTANCES, |acr| {
            Ok(Self {
                instance_id: acr.required("InstanceId")?,
                instance_name: acr.parsed("InstanceName")?,
                region: acr.parsed("RegionId")?,
                domains: acr.list("Domain", MOST_DOMAINS)?,
                arn_service: None,
                arn_user: None,
            })
        })
    }

    /// With the roles, as creations have it.
    pub(super) fn read_all_with_roles(fields: &Fields<'_>) -> Result<Vec<Self>, Refusal> {
        let mut all = Self::read_all(fields)?;
        let roles = fields.objects("AcrRegistryInfo", MOST_ACR_INSTANCES, |acr| {
            Ok((acr.parsed("ArnService")?, acr.parsed("ArnUser")?))
        })?;
        for (acr, (service, user)) in all.iter_mut().zip(roles) {
            (acr.arn_service, acr.arn_user) = (service, user);
        }
        Ok(all)
    }
}

/// How registries are reached, as creations say it; an update cannot, so it must be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryAccess {
    /// `ImageRegistryCredential.N`
    pub credentials: Vec<RegistryCredential>,
    /// `AcrRegistryInfo.N`
    pub acr: Vec<AcrRegistryInfo>,
    /// `PlainHttpRegistry`: registries without TLS.
    pub plain_http: Vec<RegistryHost>,
    /// `InsecureRegistry`: registries whose certificates are not checked.
    pub insecure: Vec<RegistryHost>,
}

impl RegistryAccess {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            credentials: RegistryCredential::read_all(fields)?,
            acr: AcrRegistryInfo::read_all_with_roles(fields)?,
            plain_http: hosts(fields, "PlainHttpRegistry")?,
            insecure: hosts(fields, "InsecureRegistry")?,
        })
    }
}

/// Hosts separated by commas. The documentation's examples have literal quotes around the whole list.
fn hosts(fields: &Fields<'_>, part: &str) -> Result<Vec<RegistryHost>, Refusal> {
    let Some(text) = fields.text(part) else { return Ok(Vec::new()) };
    let text = text.trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let hosts = bare.split(',').map(str::trim).filter(|host| !host.is_empty());
    let hosts: Result<Vec<_>, _> = hosts.map(str::parse).collect();
    let hosts = hosts.map_err(|_| fields.invalid(part))?;
    if hosts.len() > MOST_HOSTS { Err(fields.too_long(part, MOST_HOSTS)) } else { Ok(hosts) }
}
