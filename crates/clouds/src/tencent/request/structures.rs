//! The structures that operations share.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use model::{ByteSize, CacheId, CacheName, ImageReference, RegistryHost, RetentionDays, Tags};

use super::super::Password;
use super::fields::{Fields, LONGEST_WORD};
use super::{Code, Error};

/// The most elements of a list that has no limit of its own.
pub(super) const MOST_LISTED: usize = 100;
/// The most images of a cache, as everywhere here.
pub(super) const MOST_IMAGES: usize = 20;
/// The longest password, in characters: tokens of registries are long, and some are whole JSON documents with line breaks.
const LONGEST_PASSWORD: usize = 8192;
/// The sizes of a cache in GiB: from the CRD's floor to what that cloud's disks have.
const SIZES: RangeInclusive<u64> = 20..=32_000;
/// The days of a retention: the CRD's ceiling; 0 is for ever.
const RETENTION: RangeInclusive<u64> = 0..=3650;

/// An image with the words in which it was given: answers repeat these, while matching goes by the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenImage {
    /// As given, `nginx`.
    pub text: String,
    /// What it means, `docker.io/library/nginx:latest`.
    pub reference: ImageReference,
}

/// A cache that a caller names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCache {
    /// The id as given.
    pub text: String,
    /// The id; none where the text is no id of ours, so that there is no such cache.
    pub id: Option<CacheId>,
}

/// How long a cache is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Until somebody deletes it: 0 days.
    Forever,
    /// That many days from its creation on, 1 to 3650.
    Days(RetentionDays),
}

/// A login for a registry.
#[derive(Clone, Debug)]
pub struct ImageRegistryCredential {
    /// The registry; none where none was given, so that the login serves nothing.
    pub server: Option<RegistryHost>,
    /// The user; may be empty.
    pub username: String,
    /// The password; may be empty.
    pub password: Password,
    /// The caller's name for the login; may be empty.
    pub name: String,
}

/// Whether a public address outlives the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// It does: `Never`.
    Never,
    /// It is released: every other text.
    Release,
}

/// Whose line a public address is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InternetServiceProvider {
    /// `BGP`, several lines.
    #[default]
    Bgp,
    /// `CMCC`, China Mobile.
    Cmcc,
    /// `CTCC`, China Telecom.
    Ctcc,
    /// `CUCC`, China Unicom.
    Cucc,
}

/// What a public address is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EipAttribute {
    /// Whether it is kept.
    pub delete_policy: DeletePolicy,
    /// Whose line it is on.
    pub internet_service_provider: InternetServiceProvider,
    /// Outgoing bandwidth in Mbit/s.
    pub internet_max_bandwidth_out: Option<u64>,
}

impl Retention {
    /// The days; none for ever.
    #[must_use]
    pub fn days(self) -> Option<RetentionDays> {
        match self {
            Self::Forever => None,
            Self::Days(days) => Some(days),
        }
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Option<Self>, Error> {
        let Some(days) = fields.whole_in("RetentionDays", RETENTION)? else { return Ok(None) };
        let days = u32::try_from(days).ok().and_then(|days| RetentionDays::try_from(days).ok());
        Ok(Some(days.map_or(Self::Forever, Self::Days)))
    }
}

pub(super) fn named_cache(text: String) -> NamedCache {
    NamedCache { id: text.parse().ok(), text }
}

pub(super) fn size(fields: &mut Fields) -> Result<Option<ByteSize>, Error> {
    Ok(fields.whole_in("ImageCacheSize", SIZES)?.map(ByteSize::gib))
}

pub(super) fn cache_name(fields: &mut Fields) -> Result<Option<CacheName>, Error> {
    let Some(text) = fields.text("ImageCacheName", LONGEST_WORD)? else { return Ok(None) };
    let rule = "must have no control characters, and no white space around it";
    text.parse().map(Some).map_err(|_| Error::value(&fields.name("ImageCacheName"), rule))
}

/// Images of registries alone: words that would name a file of the server are references here, or nothing.
pub(super) fn images(fields: &mut Fields, most: usize) -> Result<Option<Vec<GivenImage>>, Error> {
    fields.texts("Images", 1..=most, |name, text| match text.parse() {
        Ok(reference) => Ok(GivenImage { text, reference }),
        Err(_) => Err(Error::value(name, "must be an image reference such as `nginx:1.25`")),
    })
}

pub(super) fn registries(fields: &mut Fields, field: &str) -> Result<BTreeSet<RegistryHost>, Error> {
    let hosts = fields.texts(field, 0..=MOST_LISTED, |name, text| host(name, &text))?;
    Ok(hosts.unwrap_or_default().into_iter().collect())
}

fn host(name: &str, text: &str) -> Result<RegistryHost, Error> {
    let rule = "must be a registry such as `harbor.example.com` or `harbor.example.com:5000`";
    text.parse().map_err(|_| Error::value(name, rule))
}

pub(super) fn credentials(fields: &mut Fields) -> Result<Option<Vec<ImageRegistryCredential>>, Error> {
    fields.objects("ImageRegistryCredentials", 0..=MOST_LISTED, |fields| {
        let server = match fields.text("Server", 2 * LONGEST_WORD)? {
            // Docker's configuration files, which the operator's come from, have addresses there.
            Some(text) => {
                let bare = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
                let bare = bare.split('/').next().unwrap_or_default();
                Some(host(&fields.name("Server"), bare)?)
            }
            None => None,
        };
        Ok(ImageRegistryCredential {
            server,
            username: fields.text("Username", LONGEST_WORD)?.unwrap_or_default(),
            password: Password::of(fields.lines("Password", LONGEST_PASSWORD)?.unwrap_or_default()),
            name: fields.text("Name", LONGEST_WORD)?.unwrap_or_default(),
        })
    })
}

pub(super) fn tags(fields: &mut Fields) -> Result<Option<Tags>, Error> {
    let pairs = fields.objects("Tags", 0..=Tags::MOST, |fields| {
        let name = fields.name("Key");
        let key =
            fields.text("Key", Tags::LONGEST)?.ok_or_else(|| Error::value(&name, "must not be empty"))?;
        Ok((name, key, fields.text("Value", Tags::LONGEST)?.unwrap_or_default()))
    })?;
    let Some(pairs) = pairs else { return Ok(None) };
    let mut tags = BTreeMap::new();
    for (name, key, value) in pairs {
        if tags.insert(key, value).is_some() {
            return Err(Error::value(&name, "is the key of an earlier tag"));
        }
    }
    Tags::try_from(tags).map(Some).map_err(|_| Error::value("Tags", "must be at most 20 keys with values"))
}

pub(super) fn eip_attribute(fields: &mut Fields) -> Result<Option<EipAttribute>, Error> {
    fields.object("AutoCreateEipAttribute", |fields| {
        let delete_policy = match fields.text("DeletePolicy", LONGEST_WORD)?.as_deref() {
            Some("Never") => DeletePolicy::Never,
            _ => DeletePolicy::Release,
        };
        let provider = match fields.text("InternetServiceProvider", LONGEST_WORD)?.as_deref() {
            None | Some("BGP") => InternetServiceProvider::Bgp,
            Some("CMCC") => InternetServiceProvider::Cmcc,
            Some("CTCC") => InternetServiceProvider::Ctcc,
            Some("CUCC") => InternetServiceProvider::Cucc,
            Some(_) => {
                let name = fields.name("InternetServiceProvider");
                return Err(Error::value(&name, "must be `BGP`, `CMCC`, `CTCC` or `CUCC`"));
            }
        };
        Ok(EipAttribute {
            delete_policy,
            internet_service_provider: provider,
            internet_max_bandwidth_out: fields.whole("InternetMaxBandwidthOut"),
        })
    })
}

/// Two parameters that exclude each other.
pub(super) fn conflict(one: &str, other: &str) -> Error {
    Error::saying(Code::InvalidParameter, format!("Parameters `{one}` and `{other}` exclude each other."))
}
