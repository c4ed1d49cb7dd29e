//! `CreateImageCache`.

use std::collections::BTreeSet;

use model::{ByteSize, CacheName, RegistryHost, Tags};

use super::Error;
use super::fields::Fields;
use super::structures::{
    self, EipAttribute, GivenImage, ImageRegistryCredential, MOST_IMAGES, MOST_LISTED, Retention,
};

/// The longest `ResolveConfig`, in characters.
const LONGEST_RESOLVE_CONFIG: usize = 4096;

impl CreateImageCache {
    /// The size of a cache of which no size is said.
    pub const DEFAULT_SIZE: ByteSize = ByteSize::gib(20);
}

/// A cache that is asked for. Repeating the call makes a second one.
#[derive(Clone, Debug)]
pub struct CreateImageCache {
    /// 1 to 20 images.
    pub images: Vec<GivenImage>,
    /// The network of the builder; means nothing here.
    pub vpc_id: String,
    /// Its subnet; means nothing here.
    pub subnet_id: String,
    /// The name; none: the cache's id.
    pub image_cache_name: Option<CacheName>,
    /// Security groups of the builder; mean nothing here.
    pub security_group_ids: Vec<String>,
    /// Logins for the images' registries.
    pub image_registry_credentials: Vec<ImageRegistryCredential>,
    /// A public address that the caller has; means nothing here. Excludes the next two.
    pub existed_eip_id: Option<String>,
    /// Whether a public address is made for the build; so too where its attributes are given.
    pub auto_create_eip: bool,
    /// What that address is to be like.
    pub auto_create_eip_attribute: Option<EipAttribute>,
    /// 20 to 32000 GiB.
    pub image_cache_size: ByteSize,
    /// How long it is kept.
    pub retention: Retention,
    /// Registries whose certificates are not checked.
    pub registry_skip_verify_list: BTreeSet<RegistryHost>,
    /// Registries that are spoken to by plain HTTP.
    pub registry_http_end_point_list: BTreeSet<RegistryHost>,
    /// Text of a `resolv.conf` for the builder.
    pub resolve_config: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl CreateImageCache {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Error> {
        let auto_create_eip = fields.flag("AutoCreateEip").unwrap_or_default();
        let create = Self {
            images: structures::images(fields, MOST_IMAGES)?.unwrap_or_default(),
            vpc_id: fields.word("VpcId")?,
            subnet_id: fields.word("SubnetId")?,
            image_cache_name: structures::cache_name(fields)?,
            security_group_ids: fields.words("SecurityGroupIds", 0..=MOST_LISTED)?.unwrap_or_default(),
            image_registry_credentials: structures::credentials(fields)?.unwrap_or_default(),
            existed_eip_id: fields.text("ExistedEipId", super::fields::LONGEST_WORD)?,
            auto_create_eip,
            auto_create_eip_attribute: structures::eip_attribute(fields)?,
            image_cache_size: structures::size(fields)?.unwrap_or(Self::DEFAULT_SIZE),
            retention: Retention::read(fields)?.unwrap_or(Retention::Forever),
            registry_skip_verify_list: structures::registries(fields, "RegistrySkipVerifyList")?,
            registry_http_end_point_list: structures::registries(fields, "RegistryHttpEndPointList")?,
            resolve_config: fields.lines("ResolveConfig", LONGEST_RESOLVE_CONFIG)?,
            tags: structures::tags(fields)?.unwrap_or_default(),
        };
        create.with_one_address()
    }

    fn with_one_address(mut self) -> Result<Self, Error> {
        if self.existed_eip_id.is_some() {
            if self.auto_create_eip {
                return Err(structures::conflict("ExistedEipId", "AutoCreateEip"));
            }
            if self.auto_create_eip_attribute.is_some() {
                return Err(structures::conflict("ExistedEipId", "AutoCreateEipAttribute"));
            }
        }
        self.auto_create_eip |= self.auto_create_eip_attribute.is_some();
        Ok(self)
    }
}
