//! Every code with its HTTP status and its words. `%s` stands for a word that the refusal puts in.
//!
//! Sources: the common errors of Alibaba's RPC services, and the errors of ECI's operations in its OpenAPI metadata.

use std::fmt;

macro_rules! codes {
    ($($name:ident = $status:literal $code:literal $message:literal;)*) => {
        /// What went wrong, in one word that clients decide by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $code, "`, status ", $status, ".")] $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word as printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The words that go with it; an operation may have others.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

codes! {
    // Before any operation.
    MissingParameter = 400 "MissingParameter"
        "The input parameter \"%s\" that is mandatory for processing this request is not supplied.";
    InvalidParameter = 400 "InvalidParameter" "The specified parameter \"%s\" is not valid.";
    UnsupportedParameter = 400 "UnsupportedParameter" "The specified parameter is not supported.";
    InvalidAccessKeyIdNotFound = 404 "InvalidAccessKeyId.NotFound" "Specified access key is not found.";
    InvalidAccessKeyIdInactive = 400 "InvalidAccessKeyId.Inactive" "Specified access key is disabled.";
    ForbiddenAccessKeyDisabled = 403 "Forbidden.AccessKeyDisabled" "The Access Key is disabled.";
    SignatureDoesNotMatch = 400 "SignatureDoesNotMatch"
        "Specified signature is not matched with our calculation.";
    IncompleteSignature = 400 "IncompleteSignature" "The request signature does not conform to Aliyun standards.";
    SignatureNonceUsed = 400 "SignatureNonceUsed" "Specified signature nonce was used already.";
    InvalidTimeStampExpired = 400 "InvalidTimeStamp.Expired" "Specified time stamp or date value is expired.";
    InvalidTimeStampFormat = 400 "InvalidTimeStamp.Format"
        "Specified time stamp or date value is not well formatted.";
    InvalidVersion = 400 "InvalidVersion" "Specified parameter Version is not valid.";
    InvalidActionNotFound = 404 "InvalidAction.NotFound"
        "Specified api is not found, please check your url and method.";
    InvalidParameterFormat = 400 "InvalidParameter.Format" "Specified parameter format is not valid.";
    InvalidSignatureMethod = 400 "InvalidSignatureMethod" "Specified signature method is not valid.";
    UnsupportedHttpMethod = 400 "UnsupportedHTTPMethod" "This http method is not supported.";
    Throttling = 400 "Throttling" "Request was denied due to request throttling.";
    ThrottlingUser = 400 "Throttling.User" "Request was denied due to user flow control.";
    ThrottlingApi = 400 "Throttling.Api" "Request was denied due to api flow control.";
    IdempotentParameterMismatch = 400 "IdempotentParameterMismatch"
        "The specified ClientToken was used already with other parameters.";
    ForbiddenRam = 403 "Forbidden.RAM"
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.";
    NoPermission = 403 "NoPermission" "You are not authorized to perform this operation.";
    InternalError = 500 "InternalError" "The request processing has failed due to some unknown error.";
    ServiceUnavailable = 503 "ServiceUnavailable"
        "The request has failed due to a temporary failure of the server.";
    // Of parameters, in any operation.
    InvalidParameterLengthExceeded = 400 "InvalidParameter.LengthExceeded" "%s";
    InvalidParameterValueExceeded = 400 "InvalidParameter.ValueExceeded" "%s";
    InvalidParameterNotFound = 404 "InvalidParameter.NotFound" "%s";
    // Of image caches.
    AccountArrearage = 400 "Account.Arrearage" "Your account has an outstanding payment.";
    DryRunOperation = 400 "DryRunOperation" "Request validation has been passed with DryRun flag set.";
    InvalidParameterCpuMemory = 400 "InvalidParameter.CPU.Memory" "The specified cpu and memory are not allowed";
    IncorrectStatus = 400 "IncorrectStatus" "%s";
    ServiceNotEnabled = 400 "ServiceNotEnabled" "%s";
    DiskVolumeNotSupport = 400 "DiskVolume.NotSupport" "The disk volume is not supported.";
    RamRoleNotSupport = 400 "RamRole.NotSupport" "The RAM role is not supported.";
    ImageCacheIncorrectStatus = 400 "ImageCache.IncorrectStatus" "%s";
    ImageCacheNotSupport = 400 "ImageCacheNotSupport"
        "Image cache is not available for all users. If you want to enable this function, contact us.";
    EipAddressPoolIpNotEnough = 400 "EipAddressPoolIpNotEnough"
        "The ip address of specified PublicIpAddressPool is not enough.";
    OperationConflict = 400 "OperationConflict"
        "The request was denied. It conflicts with a previous request.";
    NoNeedUpdate = 400 "NoNeedUpdate" "There are no changes to be updated for current resource.";
    OperationDeniedVswZoneMisMatch = 403 "OperationDenied.VswZoneMisMatch"
        "The specified VSwitchId is not in the specified Zone.";
    QuotaExceeded = 403 "QuotaExceeded" "%s quota exceeded.";
    ZoneNotOnSale = 403 "Zone.NotOnSale" "The specified zone is not available for purchase.";
    ForbiddenRiskControl = 403 "Forbidden.RiskControl"
        "This operation has been identified as an abnormal operation and cannot be processed.";
    ForbiddenSubUser = 403 "Forbidden.SubUser" "The specified action is not available for you.";
    ForbiddenOnlyForInvitedTest = 403 "Forbidden.OnlyForInvitedTest"
        "Eci create action is only open to invited users during public beta.";
    OperationDeniedSecurityGroupMisMatch = 403 "OperationDenied.SecurityGroupMisMatch"
        "The specified VSwitchId and SecurityGroupId are not in the same VPC.";
    InvalidVSwitchIdIpNotEnough = 403 "InvalidVSwitchId.IpNotEnough"
        "The specified VSwitch does not have enough IP addresses.";
    ForbiddenUserBussinessStatus = 403 "Forbidden.UserBussinessStatus"
        "This operation is not allowed, because you have overdue bills. Pay the overdue bill and try again.";
    ForbiddenUserNotRealNameAuthentication = 403 "Forbidden.UserNotRealNameAuthentication"
        "This operation is not allowed, because you have not passed the real-name verification.";
    InvalidUserPassRoleForbidden = 403 "InvalidUser.PassRoleForbidden"
        "The RAM user is not authorized to assume a RAM role.";
    OperationDeniedNoStock = 403 "OperationDenied.NoStock"
        "Sales of this resource are temporarily suspended in the specified zone.";
    SecurityRisk3DVerification = 403 "SecurityRisk.3DVerification" "%s";
    CreateServiceLinkedRoleDenied = 403 "CreateServiceLinkedRole.Denied" "%s";
    // Of container groups.
    ImageSnapshotNotFound = 404 "ImageSnapshot.NotFound" "The specified snapshot does not exist.";
    ImageSnapshotIncorrectStatus = 400 "ImageSnapshot.IncorrectStatus" "%s";
    ImageSnapshotNotSupport = 400 "ImageSnapshot.NotSupport" "%s";
    JobInstanceImageCacheNotSupport = 400 "JobInstanceImageCacheNotSupport"
        "ECI job instance not support image cache";
    InvalidParameterDuplicatedName = 400 "InvalidParameter.DuplicatedName"
        "The container group include containers with duplicate names.";
    InvalidParameterDuplicatedVolumeName = 400 "InvalidParameter.DuplicatedVolumeName"
        "The container group includes volumes with duplicate names.";
    DryRunSuccess = 400 "DryRun.Success" "This request is a dryrun request with successful result.";
    IncorrectOperation = 400 "IncorrectOperation" "%s";
    InstanceTypeNotMatchCpuArch = 400 "InstanceTypeNotMatchCpuArch" "%s";
    FeatureAccessRestricted = 403 "FeatureAccessRestricted" "%s";
    InvalidParameterMismatchInstanceType = 400 "InvalidParameter.MismatchInstanceType"
        "The instanceId mismatch instance type.";
    ForbiddenUnauthorized = 403 "Forbidden.Unauthorized" "%s";
    RequestTimeout = 408 "Request Timeout" "%s";
    // Of tags.
    NumberExceedTags = 400 "NumberExceed.Tags" "The length of tags exceeded limit: 20.";
    NoPermissionTag = 400 "NoPermission.Tag" "%s";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
