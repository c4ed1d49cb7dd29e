//! The codes of the published tables, with their statuses and words.

use std::collections::BTreeSet;

use clouds::alibaba::error::OPERATION_ERRORS;
use clouds::alibaba::{Caller, Denial, ErrorCode, Format, OperationName, Refusal, RequestId};
use serde_json::{Value, json};

/// Status, code and message of what any call may meet; no message where none is published.
const ANY: &[(u16, &str, Option<&str>)] = &[
    (
        400,
        "MissingParameter",
        Some("The input parameter \"%s\" that is mandatory for processing this request is not supplied."),
    ),
    (400, "InvalidParameter", Some("The specified parameter \"%s\" is not valid.")),
    (400, "UnsupportedParameter", Some("The specified parameter is not supported.")),
    (404, "InvalidAccessKeyId.NotFound", Some("Specified access key is not found.")),
    (400, "InvalidAccessKeyId.Inactive", Some("Specified access key is disabled.")),
    (403, "Forbidden.AccessKeyDisabled", Some("The Access Key is disabled.")),
    (400, "SignatureDoesNotMatch", None),
    (400, "IncompleteSignature", Some("The request signature does not conform to Aliyun standards.")),
    (400, "SignatureNonceUsed", Some("Specified signature nonce was used already.")),
    (400, "InvalidTimeStamp.Expired", Some("Specified time stamp or date value is expired.")),
    (400, "InvalidTimeStamp.Format", Some("Specified time stamp or date value is not well formatted.")),
    (400, "InvalidVersion", Some("Specified parameter Version is not valid.")),
    (404, "InvalidAction.NotFound", Some("Specified api is not found, please check your url and method.")),
    (400, "InvalidParameter.Format", Some("Specified parameter format is not valid.")),
    (400, "InvalidSignatureMethod", Some("Specified signature method is not valid.")),
    (400, "UnsupportedHTTPMethod", None),
    (400, "Throttling", Some("Request was denied due to request throttling.")),
    (400, "Throttling.User", Some("Request was denied due to user flow control.")),
    (400, "Throttling.Api", None),
    (400, "IdempotentParameterMismatch", None),
    (403, "Forbidden.RAM", None),
    (403, "NoPermission", None),
    (500, "InternalError", None),
    (503, "ServiceUnavailable", None),
    (400, "InvalidParameter.LengthExceeded", Some("%s")),
    (400, "InvalidParameter.ValueExceeded", Some("%s")),
    (404, "InvalidParameter.NotFound", Some("%s")),
];

/// Operation, status, code and message.
const OF_OPERATIONS: &[(&str, u16, &str, Option<&str>)] = &[
    ("CreateImageCache", 400, "Account.Arrearage", Some("Your account has an outstanding payment.")),
    (
        "CreateImageCache",
        400,
        "DryRunOperation",
        Some("Request validation has been passed with DryRun flag set."),
    ),
    (
        "CreateImageCache",
        400,
        "InvalidParameter.CPU.Memory",
        Some("The specified cpu and memory are not allowed"),
    ),
    ("CreateImageCache", 400, "IncorrectStatus", Some("%s")),
    ("CreateImageCache", 400, "ServiceNotEnabled", Some("%s")),
    ("CreateImageCache", 400, "DiskVolume.NotSupport", Some("The disk volume is not supported.")),
    ("CreateImageCache", 400, "RamRole.NotSupport", Some("The RAM role is not supported.")),
    ("CreateImageCache", 400, "ImageCache.IncorrectStatus", Some("%s")),
    (
        "CreateImageCache",
        400,
        "ImageCacheNotSupport",
        Some("Image cache is not available for all users. If you want to enable this function, contact us."),
    ),
    (
        "CreateImageCache",
        400,
        "EipAddressPoolIpNotEnough",
        Some("The ip address of specified PublicIpAddressPool is not enough."),
    ),
    (
        "CreateImageCache",
        400,
        "OperationConflict",
        Some("The request was denied. It conflicts with a previous request."),
    ),
    (
        "CreateImageCache",
        403,
        "OperationDenied.VswZoneMisMatch",
        Some("The specified VSwitchId is not in the specified Zone."),
    ),
    ("CreateImageCache", 403, "QuotaExceeded", Some("%s quota exceeded.")),
    ("CreateImageCache", 403, "Zone.NotOnSale", Some("The specified zone is not available for purchase.")),
    (
        "CreateImageCache",
        403,
        "Forbidden.RiskControl",
        Some("This operation has been identified as an abnormal operation and cannot be processed."),
    ),
    ("CreateImageCache", 403, "Forbidden.SubUser", Some("The specified action is not available for you.")),
    (
        "CreateImageCache",
        403,
        "Forbidden.OnlyForInvitedTest",
        Some("Eci create action is only open to invited users during public beta."),
    ),
    (
        "CreateImageCache",
        403,
        "OperationDenied.SecurityGroupMisMatch",
        Some("The specified VSwitchId and SecurityGroupId are not in the same VPC."),
    ),
    (
        "CreateImageCache",
        403,
        "InvalidVSwitchId.IpNotEnough",
        Some("The specified VSwitch does not have enough IP addresses."),
    ),
    (
        "CreateImageCache",
        403,
        "Forbidden.UserBussinessStatus",
        Some(
            "This operation is not allowed, because you have overdue bills. Pay the overdue bill and try again.",
        ),
    ),
    (
        "CreateImageCache",
        403,
        "Forbidden.UserNotRealNameAuthentication",
        Some("This operation is not allowed, because you have not passed the real-name verification."),
    ),
    (
        "CreateImageCache",
        403,
        "InvalidUser.PassRoleForbidden",
        Some("The RAM user is not authorized to assume a RAM role."),
    ),
    (
        "CreateImageCache",
        403,
        "OperationDenied.NoStock",
        Some("Sales of this resource are temporarily suspended in the specified zone."),
    ),
    (
        "CreateImageCache",
        403,
        "NoPermission",
        Some(
            "The RAM role AliyunECIContainerGroupRole does not belong to eci.aliyuncs.com. Please check and try again.",
        ),
    ),
    ("CreateImageCache", 403, "SecurityRisk.3DVerification", None),
    ("CreateImageCache", 403, "CreateServiceLinkedRole.Denied", None),
    ("UpdateImageCache", 400, "Account.Arrearage", Some("Your account has an outstanding payment.")),
    (
        "UpdateImageCache",
        400,
        "DryRunOperation",
        Some("Request validation has been passed with DryRun flag set."),
    ),
    (
        "UpdateImageCache",
        400,
        "InvalidParameter.CPU.Memory",
        Some("The specified cpu and memory are not allowed"),
    ),
    ("UpdateImageCache", 400, "IncorrectStatus", Some("%s")),
    ("UpdateImageCache", 400, "ServiceNotEnabled", Some("%s")),
    ("UpdateImageCache", 400, "DiskVolume.NotSupport", Some("The disk volume is not supported.")),
    ("UpdateImageCache", 400, "RamRole.NotSupport", Some("The RAM role is not supported.")),
    ("UpdateImageCache", 400, "ImageCache.IncorrectStatus", Some("%s")),
    (
        "UpdateImageCache",
        400,
        "ImageCacheNotSupport",
        Some("Image cache is not available for all users. If you want to enable this function, contact us."),
    ),
    (
        "UpdateImageCache",
        403,
        "OperationDenied.VswZoneMisMatch",
        Some("The specified VSwitchId is not in the specified Zone."),
    ),
    ("UpdateImageCache", 403, "QuotaExceeded", Some("%s quota exceeded.")),
    ("UpdateImageCache", 403, "Zone.NotOnSale", Some("The specified zone is not available for purchase.")),
    (
        "UpdateImageCache",
        403,
        "Forbidden.RiskControl",
        Some("This operation has been identified as an abnormal operation and cannot be processed."),
    ),
    ("UpdateImageCache", 403, "Forbidden.SubUser", Some("The specified action is not available for you.")),
    (
        "UpdateImageCache",
        403,
        "Forbidden.OnlyForInvitedTest",
        Some("Eci create action is only open to invited users during public beta."),
    ),
    (
        "UpdateImageCache",
        403,
        "OperationDenied.SecurityGroupMisMatch",
        Some("The specified VSwitchId and SecurityGroupId are not in the same VPC."),
    ),
    (
        "UpdateImageCache",
        403,
        "InvalidVSwitchId.IpNotEnough",
        Some("The specified VSwitch does not have enough IP addresses."),
    ),
    (
        "UpdateImageCache",
        403,
        "Forbidden.UserBussinessStatus",
        Some(
            "This operation is not allowed, because you have overdue bills. Pay the overdue bill and try again.",
        ),
    ),
    (
        "UpdateImageCache",
        403,
        "Forbidden.UserNotRealNameAuthentication",
        Some("This operation is not allowed, because you have not passed the real-name verification."),
    ),
    (
        "UpdateImageCache",
        403,
        "InvalidUser.PassRoleForbidden",
        Some("The RAM user is not authorized to assume a RAM role."),
    ),
    (
        "UpdateImageCache",
        403,
        "OperationDenied.NoStock",
        Some("Sales of this resource are temporarily suspended in the specified zone."),
    ),
    (
        "UpdateImageCache",
        403,
        "NoPermission",
        Some(
            "The RAM role AliyunECIContainerGroupRole does not belong to eci.aliyuncs.com. Please check and try again.",
        ),
    ),
    ("UpdateImageCache", 403, "SecurityRisk.3DVerification", None),
    ("UpdateImageCache", 403, "CreateServiceLinkedRole.Denied", None),
    (
        "UpdateImageCache",
        400,
        "OperationConflict",
        Some("Request was denied due to conflict with a previous request."),
    ),
    (
        "UpdateImageCache",
        400,
        "NoNeedUpdate",
        Some("There are no changes to be updated for current resource."),
    ),
    ("CreateContainerGroup", 404, "ImageSnapshot.NotFound", Some("The specified snapshot does not exist.")),
    ("CreateContainerGroup", 400, "ImageSnapshot.IncorrectStatus", Some("%s")),
    ("CreateContainerGroup", 400, "ImageSnapshot.NotSupport", Some("%s")),
    (
        "CreateContainerGroup",
        400,
        "JobInstanceImageCacheNotSupport",
        Some("ECI job instance not support image cache"),
    ),
    (
        "CreateContainerGroup",
        400,
        "InvalidParameter.DuplicatedName",
        Some("The container group include containers with duplicate names."),
    ),
    (
        "CreateContainerGroup",
        400,
        "InvalidParameter.DuplicatedVolumeName",
        Some("The container group includes volumes with duplicate names."),
    ),
    (
        "CreateContainerGroup",
        400,
        "InvalidParameter.CPU.Memory",
        Some("The specified cpu and memory are not allowed"),
    ),
    ("CreateContainerGroup", 400, "DryRunOperation", None),
    ("CreateContainerGroup", 400, "DryRun.Success", None),
    ("CreateContainerGroup", 400, "IncorrectStatus", None),
    ("CreateContainerGroup", 400, "IncorrectOperation", None),
    ("CreateContainerGroup", 400, "InstanceTypeNotMatchCpuArch", None),
    (
        "CreateContainerGroup",
        400,
        "Throttling",
        Some(
            "You have made too many requests within a short time; your request is denied due to request throttling",
        ),
    ),
    ("CreateContainerGroup", 403, "QuotaExceeded", Some("%s quota exceeded.")),
    ("CreateContainerGroup", 403, "OperationDenied.NoStock", None),
    ("CreateContainerGroup", 403, "FeatureAccessRestricted", None),
    ("CreateContainerGroup", 403, "NoPermission", None),
    ("DescribeImageCaches", 400, "Account.Arrearage", None),
    ("DescribeImageCaches", 400, "DryRunOperation", None),
    ("DescribeImageCaches", 400, "ServiceNotEnabled", None),
    ("DescribeImageCaches", 403, "Forbidden.SubUser", None),
    ("DescribeImageCaches", 403, "Forbidden.UserBussinessStatus", None),
    ("DescribeImageCaches", 403, "Forbidden.UserNotRealNameAuthentication", None),
    ("DescribeImageCaches", 403, "NoPermission", Some("The RAM role does not belong to ECS.")),
    (
        "DescribeContainerGroups",
        400,
        "InvalidParameter.MismatchInstanceType",
        Some("The instanceId mismatch instance type."),
    ),
    ("DeleteContainerGroup", 400, "IncorrectStatus", Some("%s")),
    ("DeleteContainerGroup", 400, "OperationConflict", None),
    ("DescribeContainerLog", 403, "Forbidden.Unauthorized", None),
    ("DescribeContainerLog", 408, "Request Timeout", None),
    ("TagResources", 400, "NumberExceed.Tags", Some("The length of tags exceeded limit: 20.")),
    ("TagResources", 400, "NoPermission.Tag", None),
    ("TagResources", 400, "IncorrectStatus", None),
    ("TagResources", 400, "OperationConflict", None),
];

fn code(text: &str) -> ErrorCode {
    ErrorCode::ALL
        .iter()
        .copied()
        .find(|code| code.as_str() == text)
        .unwrap_or_else(|| panic!("no code {text}"))
}

#[test]
fn every_published_code_is_there_with_its_status_and_words() {
    for (status, text, message) in ANY {
        let code = code(text);
        assert_eq!(code.status(), *status, "{text}");
        assert!(message.is_none_or(|message| code.message() == message), "{text}");
    }
    for (operation, status, text, message) in OF_OPERATIONS {
        let operation: OperationName = operation.parse().unwrap();
        let listed = OPERATION_ERRORS.iter().any(|row| row.operation == operation && row.code == code(text));
        assert!(listed, "{operation} {text}");
        let refusal = Refusal::of(operation, code(text)).about("%s");
        assert_eq!(refusal.status(), *status, "{text}");
        let expected = message.map(|message| if message == "%s" { *text } else { message });
        assert!(expected.is_none_or(|expected| refusal.message() == expected), "{operation} {refusal}");
    }
}

#[test]
fn no_code_is_there_that_is_not_published() {
    let published: BTreeSet<&str> =
        ANY.iter().map(|row| row.1).chain(OF_OPERATIONS.iter().map(|row| row.2)).collect();
    let ours: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(ours, published);
    assert_eq!(ErrorCode::ALL.len(), ours.len());
    assert_eq!(OPERATION_ERRORS.len(), OF_OPERATIONS.len());
}

fn body(refusal: &Refusal) -> (Vec<(&'static str, String)>, Value) {
    let request_id = RequestId::from_bits(1);
    let caller = Caller {
        request_id,
        format: Format::Json,
        host: "h",
        troubleshooting: Some("https://help.example/"),
    };
    let reply = refusal.reply(&caller);
    (reply.headers, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn a_throttled_call_is_told_when_to_come_again() {
    let (headers, _) = body(&Refusal::new(ErrorCode::ThrottlingUser).retry_after(1500));
    assert_eq!(headers.last(), Some(&("x-acs-retry-after", "1500".to_owned())));
    let (headers, _) = body(&Refusal::new(ErrorCode::ThrottlingUser));
    assert!(headers.iter().all(|(name, _)| *name != "x-acs-retry-after"));
}

#[test]
fn a_denied_call_is_told_what_it_needs() {
    let denial = Denial { action: "eci:DeleteImageCache".to_owned(), is_explicit: true };
    let (_, body) = body(&Refusal::denied(denial));
    assert_eq!(body["Code"], "Forbidden.RAM");
    assert_eq!(
        body["AccessDeniedDetail"],
        json!({"AuthAction": "eci:DeleteImageCache", "NoPermissionType": "ExplicitDeny"})
    );
}

#[test]
fn words_are_put_into_messages() {
    let message = |refusal: &Refusal| refusal.message().into_owned();
    let quota = Refusal::of(OperationName::CreateImageCache, ErrorCode::QuotaExceeded).about("ImageCache");
    assert_eq!(message(&quota), "ImageCache quota exceeded.");
    let status = Refusal::new(ErrorCode::ImageCacheIncorrectStatus).about("The image cache is not Ready.");
    assert_eq!(message(&status), "The image cache is not Ready.");
    assert_eq!(message(&Refusal::new(ErrorCode::ServiceNotEnabled)), "ServiceNotEnabled");
    assert_eq!(
        body(&Refusal::new(ErrorCode::RequestTimeout)).1["Recommend"],
        "https://help.example/?q=Request%20Timeout"
    );
}
