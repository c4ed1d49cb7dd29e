//! What becomes of every parameter of every operation here.

/// What becomes of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It does what the cloud says.
    Honoured,
    /// It is checked and kept, and means nothing here.
    RecordedOnly,
    /// It is refused.
    Refused,
}

use Fate::{Honoured, RecordedOnly};

/// Operation, parameter (fields of structures after a dot), fate.
pub const PARAMETERS: &[(&str, &str, Fate)] = &[
    ("CreateImageCache", "Images", Honoured),
    ("CreateImageCache", "VpcId", RecordedOnly),
    ("CreateImageCache", "SubnetId", RecordedOnly),
    ("CreateImageCache", "ImageCacheName", Honoured),
    ("CreateImageCache", "SecurityGroupIds", RecordedOnly),
    ("CreateImageCache", "ImageRegistryCredentials", Honoured),
    ("CreateImageCache", "ImageRegistryCredentials.Server", Honoured),
    ("CreateImageCache", "ImageRegistryCredentials.Username", Honoured),
    ("CreateImageCache", "ImageRegistryCredentials.Password", Honoured),
    ("CreateImageCache", "ImageRegistryCredentials.Name", RecordedOnly),
    ("CreateImageCache", "ExistedEipId", RecordedOnly),
    ("CreateImageCache", "AutoCreateEip", RecordedOnly),
    ("CreateImageCache", "AutoCreateEipAttribute", RecordedOnly),
    ("CreateImageCache", "AutoCreateEipAttribute.DeletePolicy", RecordedOnly),
    ("CreateImageCache", "AutoCreateEipAttribute.InternetServiceProvider", RecordedOnly),
    ("CreateImageCache", "AutoCreateEipAttribute.InternetMaxBandwidthOut", RecordedOnly),
    ("CreateImageCache", "ImageCacheSize", Honoured),
    ("CreateImageCache", "RetentionDays", Honoured),
    ("CreateImageCache", "RegistrySkipVerifyList", Honoured),
    ("CreateImageCache", "RegistryHttpEndPointList", Honoured),
    ("CreateImageCache", "ResolveConfig", RecordedOnly),
    ("CreateImageCache", "Tags", Honoured),
    ("CreateImageCache", "Tags.Key", Honoured),
    ("CreateImageCache", "Tags.Value", Honoured),
    ("DescribeImageCaches", "ImageCacheIds", Honoured),
    ("DescribeImageCaches", "ImageCacheNames", Honoured),
    ("DescribeImageCaches", "Limit", Honoured),
    ("DescribeImageCaches", "Offset", Honoured),
    ("DescribeImageCaches", "Filters", Honoured),
    ("DescribeImageCaches", "Filters.Name", Honoured),
    ("DescribeImageCaches", "Filters.Values", Honoured),
    ("UpdateImageCache", "ImageCacheId", Honoured),
    ("UpdateImageCache", "ImageCacheName", Honoured),
    ("UpdateImageCache", "ImageRegistryCredentials", Honoured),
    ("UpdateImageCache", "ImageRegistryCredentials.Server", Honoured),
    ("UpdateImageCache", "ImageRegistryCredentials.Username", Honoured),
    ("UpdateImageCache", "ImageRegistryCredentials.Password", Honoured),
    ("UpdateImageCache", "ImageRegistryCredentials.Name", RecordedOnly),
    ("UpdateImageCache", "Images", Honoured),
    ("UpdateImageCache", "ImageCacheSize", Honoured),
    ("UpdateImageCache", "RetentionDays", Honoured),
    ("UpdateImageCache", "SecurityGroupIds", RecordedOnly),
    ("UpdateImageCache", "Tags", Honoured),
    ("UpdateImageCache", "Tags.Key", Honoured),
    ("UpdateImageCache", "Tags.Value", Honoured),
    ("DeleteImageCaches", "ImageCacheIds", Honoured),
    ("GetMostSuitableImageCache", "Images", Honoured),
    ("GetMostSuitableImageCache", "Snapshotter", Honoured),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::OperationName;
    use super::super::request::schema::{self, Kind};
    use super::*;

    #[test]
    fn every_parameter_has_one_fate() {
        let mut all = BTreeSet::new();
        for operation in OperationName::ALL {
            for parameter in schema::of(operation) {
                all.insert((operation.as_str(), parameter.name.to_owned()));
                if let Kind::Object(fields) | Kind::Objects(fields) = parameter.kind {
                    let names = fields.iter().map(|field| format!("{}.{}", parameter.name, field.name));
                    all.extend(names.map(|name| (operation.as_str(), name)));
                }
            }
        }
        let listed: BTreeSet<(&str, String)> =
            PARAMETERS.iter().map(|(operation, name, _)| (*operation, (*name).to_owned())).collect();
        assert_eq!(listed, all);
        assert_eq!(listed.len(), PARAMETERS.len(), "none is listed twice");
    }
}
