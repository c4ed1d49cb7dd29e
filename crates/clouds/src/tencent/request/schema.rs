//! The parameters of every operation: names, types, which are required.
//!
//! Source: the API description and the SDKs, version 2018-05-25.

use super::OperationName;

/// A type of the API.
#[derive(Clone, Copy, Debug)]
pub(in crate::tencent) enum Kind {
    /// `string`
    Text,
    /// `uint64`
    Whole,
    /// `bool`
    Flag,
    /// A list of texts.
    Texts,
    /// An object.
    Object(&'static [Parameter]),
    /// A list of objects.
    Objects(&'static [Parameter]),
}

/// A parameter, or a field of a structure.
#[derive(Clone, Copy, Debug)]
pub(in crate::tencent) struct Parameter {
    pub(in crate::tencent) name: &'static str,
    pub(in crate::tencent) kind: Kind,
    pub(in crate::tencent) required: bool,
}

const fn optional(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, required: false }
}

const fn required(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, required: true }
}

const CREDENTIAL: &[Parameter] = &[
    optional("Server", Kind::Text),
    optional("Username", Kind::Text),
    optional("Password", Kind::Text),
    optional("Name", Kind::Text),
];

const EIP_ATTRIBUTE: &[Parameter] = &[
    required("DeletePolicy", Kind::Text),
    optional("InternetServiceProvider", Kind::Text),
    optional("InternetMaxBandwidthOut", Kind::Whole),
];

const TAG: &[Parameter] = &[required("Key", Kind::Text), optional("Value", Kind::Text)];

const FILTER: &[Parameter] = &[required("Name", Kind::Text), required("Values", Kind::Texts)];

const CREATE: &[Parameter] = &[
    required("Images", Kind::Texts),
    required("VpcId", Kind::Text),
    required("SubnetId", Kind::Text),
    optional("ImageCacheName", Kind::Text),
    optional("SecurityGroupIds", Kind::Texts),
    optional("ImageRegistryCredentials", Kind::Objects(CREDENTIAL)),
    optional("ExistedEipId", Kind::Text),
    optional("AutoCreateEip", Kind::Flag),
    optional("AutoCreateEipAttribute", Kind::Object(EIP_ATTRIBUTE)),
    optional("ImageCacheSize", Kind::Whole),
    optional("RetentionDays", Kind::Whole),
    optional("RegistrySkipVerifyList", Kind::Texts),
    optional("RegistryHttpEndPointList", Kind::Texts),
    optional("ResolveConfig", Kind::Text),
    optional("Tags", Kind::Objects(TAG)),
];

const DESCRIBE: &[Parameter] = &[
    optional("ImageCacheIds", Kind::Texts),
    optional("ImageCacheNames", Kind::Texts),
    optional("Limit", Kind::Whole),
    optional("Offset", Kind::Whole),
    optional("Filters", Kind::Objects(FILTER)),
];

const UPDATE: &[Parameter] = &[
    required("ImageCacheId", Kind::Text),
    optional("ImageCacheName", Kind::Text),
    optional("ImageRegistryCredentials", Kind::Objects(CREDENTIAL)),
    optional("Images", Kind::Texts),
    optional("ImageCacheSize", Kind::Whole),
    optional("RetentionDays", Kind::Whole),
    optional("SecurityGroupIds", Kind::Texts),
    optional("Tags", Kind::Objects(TAG)),
];

const DELETE: &[Parameter] = &[required("ImageCacheIds", Kind::Texts)];

const SUIT: &[Parameter] = &[required("Images", Kind::Texts), optional("Snapshotter", Kind::Text)];

pub(in crate::tencent) fn of(operation: OperationName) -> &'static [Parameter] {
    match operation {
        OperationName::CreateImageCache => CREATE,
        OperationName::DescribeImageCaches => DESCRIBE,
        OperationName::UpdateImageCache => UPDATE,
        OperationName::DeleteImageCaches => DELETE,
        OperationName::GetMostSuitableImageCache => SUIT,
    }
}
