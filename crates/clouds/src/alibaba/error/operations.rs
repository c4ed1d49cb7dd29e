//! Which codes an operation lists beside those of any call, and the words that it has of its own.

use super::ErrorCode::{self, *};
use crate::alibaba::request::OperationName::{self, *};

/// A code of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationError {
    /// The operation.
    pub operation: OperationName,
    /// The code.
    pub code: ErrorCode,
    /// The operation's own words, where they are not the code's.
    pub message: Option<&'static str>,
}

const fn row(operation: OperationName, code: ErrorCode) -> OperationError {
    OperationError { operation, code, message: None }
}

const fn own(operation: OperationName, code: ErrorCode, message: &'static str) -> OperationError {
    OperationError { operation, code, message: Some(message) }
}

const ROLE: &str = "The RAM role AliyunECIContainerGroupRole does not belong to eci.aliyuncs.com. Please check and try again.";
const CONFLICT: &str = "Request was denied due to conflict with a previous request.";

/// Every code that an operation lists.
pub const OPERATION_ERRORS: &[OperationError] = &[
    row(CreateImageCache, AccountArrearage),
    row(CreateImageCache, DryRunOperation),
    row(CreateImageCache, InvalidParameterCpuMemory),
    row(CreateImageCache, IncorrectStatus),
    row(CreateImageCache, ServiceNotEnabled),
    row(CreateImageCache, DiskVolumeNotSupport),
    row(CreateImageCache, RamRoleNotSupport),
    row(CreateImageCache, ImageCacheIncorrectStatus),
    row(CreateImageCache, ImageCacheNotSupport),
    row(CreateImageCache, EipAddressPoolIpNotEnough),
    row(CreateImageCache, OperationConflict),
    row(CreateImageCache, OperationDeniedVswZoneMisMatch),
    row(CreateImageCache, QuotaExceeded),
    row(CreateImageCache, ZoneNotOnSale),
    row(CreateImageCache, ForbiddenRiskControl),
    row(CreateImageCache, ForbiddenSubUser),
    row(CreateImageCache, ForbiddenOnlyForInvitedTest),
    row(CreateImageCache, OperationDeniedSecurityGroupMisMatch),
    row(CreateImageCache, InvalidVSwitchIdIpNotEnough),
    row(CreateImageCache, ForbiddenUserBussinessStatus),
    row(CreateImageCache, ForbiddenUserNotRealNameAuthentication),
    row(CreateImageCache, InvalidUserPassRoleForbidden),
    row(CreateImageCache, OperationDeniedNoStock),
    own(CreateImageCache, NoPermission, ROLE),
    row(CreateImageCache, SecurityRisk3DVerification),
    row(CreateImageCache, CreateServiceLinkedRoleDenied),
    row(UpdateImageCache, AccountArrearage),
    row(UpdateImageCache, DryRunOperation),
    row(UpdateImageCache, InvalidParameterCpuMemory),
    row(UpdateImageCache, IncorrectStatus),
    row(UpdateImageCache, ServiceNotEnabled),
    row(UpdateImageCache, DiskVolumeNotSupport),
    row(UpdateImageCache, RamRoleNotSupport),
    row(UpdateImageCache, ImageCacheIncorrectStatus),
    row(UpdateImageCache, ImageCacheNotSupport),
    own(UpdateImageCache, OperationConflict, CONFLICT),
    row(UpdateImageCache, NoNeedUpdate),
    row(UpdateImageCache, OperationDeniedVswZoneMisMatch),
    row(UpdateImageCache, QuotaExceeded),
    row(UpdateImageCache, ZoneNotOnSale),
    row(UpdateImageCache, ForbiddenRiskControl),
    row(UpdateImageCache, ForbiddenSubUser),
    row(UpdateImageCache, ForbiddenOnlyForInvitedTest),
    row(UpdateImageCache, OperationDeniedSecurityGroupMisMatch),
    row(UpdateImageCache, InvalidVSwitchIdIpNotEnough),
    row(UpdateImageCache, ForbiddenUserBussinessStatus),
    row(UpdateImageCache, ForbiddenUserNotRealNameAuthentication),
    row(UpdateImageCache, InvalidUserPassRoleForbidden),
    row(UpdateImageCache, OperationDeniedNoStock),
    own(UpdateImageCache, NoPermission, ROLE),
    row(UpdateImageCache, SecurityRisk3DVerification),
    row(UpdateImageCache, CreateServiceLinkedRoleDenied),
    row(DescribeImageCaches, AccountArrearage),
    row(DescribeImageCaches, DryRunOperation),
    row(DescribeImageCaches, ServiceNotEnabled),
    row(DescribeImageCaches, ForbiddenSubUser),
    row(DescribeImageCaches, ForbiddenUserBussinessStatus),
    row(DescribeImageCaches, ForbiddenUserNotRealNameAuthentication),
    own(DescribeImageCaches, NoPermission, "The RAM role does not belong to ECS."),
    row(CreateContainerGroup, ImageSnapshotNotFound),
    row(CreateContainerGroup, ImageSnapshotIncorrectStatus),
    row(CreateContainerGroup, ImageSnapshotNotSupport),
    row(CreateContainerGroup, JobInstanceImageCacheNotSupport),
    row(CreateContainerGroup, InvalidParameterDuplicatedName),
    row(CreateContainerGroup, InvalidParameterDuplicatedVolumeName),
    row(CreateContainerGroup, InvalidParameterCpuMemory),
    row(CreateContainerGroup, DryRunOperation),
    row(CreateContainerGroup, DryRunSuccess),
    row(CreateContainerGroup, IncorrectStatus),
    row(CreateContainerGroup, IncorrectOperation),
    row(CreateContainerGroup, InstanceTypeNotMatchCpuArch),
    own(
        CreateContainerGroup,
        Throttling,
        "You have made too many requests within a short time; your request is denied due to request throttling",
    ),
    row(CreateContainerGroup, QuotaExceeded),
    row(CreateContainerGroup, OperationDeniedNoStock),
    row(CreateContainerGroup, FeatureAccessRestricted),
    own(CreateContainerGroup, NoPermission, ROLE),
    row(DescribeContainerGroups, InvalidParameterMismatchInstanceType),
    row(DeleteContainerGroup, IncorrectStatus),
    row(DeleteContainerGroup, OperationConflict),
    row(DescribeContainerLog, ForbiddenUnauthorized),
    row(DescribeContainerLog, RequestTimeout),
    row(TagResources, NumberExceedTags),
    row(TagResources, NoPermissionTag),
    row(TagResources, IncorrectStatus),
    row(TagResources, OperationConflict),
];
