//! The codes of the common error table and of the operations' own pages, with their messages.

use std::fmt;

use crate::CloudRequest;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $message:literal;)*) => {
        /// An error code.
        ///
        /// Source: Tencent's page of common error codes and the pages of the five operations. Messages that were never seen
        /// in an answer are in our words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What is said with it where there is nothing more exact to say, in English.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                }
            }
        }
    };
}

codes! {
    /// The action was withdrawn.
    ActionOffline = "ActionOffline", "The action is no longer offered.";
    /// The `Authorization` header cannot be used.
    InvalidAuthorization = "AuthFailure.InvalidAuthorization", "The `Authorization` header is not valid.";
    /// Not a key of this service.
    InvalidSecretId = "AuthFailure.InvalidSecretId", "The SecretId is not a key of this API.";
    /// A second factor failed.
    MfaFailure = "AuthFailure.MFAFailure", "The multi-factor authentication failed.";
    /// No such key, or a disabled one.
    SecretIdNotFound = "AuthFailure.SecretIdNotFound",
        "The SecretId is not found, please ensure that your SecretId is correct.";
    /// The clocks differ too much.
    SignatureExpire = "AuthFailure.SignatureExpire", "The signature is expired, please request again.";
    /// A wrong signature.
    SignatureFailure = "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.";
    /// A token that is not known.
    TokenFailure = "AuthFailure.TokenFailure", "The token is not valid.";
    /// No right to call this.
    AuthUnauthorizedOperation = "AuthFailure.UnauthorizedOperation", "You are not authorized to perform this operation.";
    /// It would have worked.
    DryRunOperation = "DryRunOperation", "The request would have succeeded.";
    /// It failed.
    FailedOperation = "FailedOperation", "The operation failed.";
    /// The server's fault.
    InternalError = "InternalError", "An internal error occurred.";
    /// The server's fault while it asked for rights.
    InternalErrorCamNoAuth = "InternalError.CamNoAuth", "The service is not authorized.";
    /// No such action.
    InvalidAction = "InvalidAction", "The request `Action` is invalid or not found.";
    /// A wrong parameter, or one of the wrong type.
    InvalidParameter = "InvalidParameter", "A parameter is not valid.";
    /// A value that is not allowed.
    InvalidParameterValue = "InvalidParameterValue", "The value of a parameter is not valid.";
    /// A request that is none, such as a body that is not JSON.
    InvalidRequest = "InvalidRequest", "The request is malformed.";
    /// The caller's address is refused.
    IpInBlacklist = "IpInBlacklist", "The IP address is in the blacklist.";
    /// The caller's address is not admitted.
    IpNotInWhitelist = "IpNotInWhitelist", "The IP address is not in the whitelist.";
    /// A quota is reached.
    LimitExceeded = "LimitExceeded", "A quota is exceeded.";
    /// A required parameter is absent.
    MissingParameter = "MissingParameter", "The request is missing a required parameter.";
    /// The host names no product.
    NoSuchProduct = "NoSuchProduct", "There is no such product.";
    /// No such version of the API.
    NoSuchVersion = "NoSuchVersion", "The request `Version` is invalid or not found.";
    /// Too many calls.
    RequestLimitExceeded = "RequestLimitExceeded", "The number of requests exceeds the frequency limit.";
    /// Too many calls of an account in all regions.
    RequestLimitExceededGlobalRegionUin = "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        "The number of requests of this account in all regions exceeds the frequency limit.";
    /// Too many calls of an address.
    RequestLimitExceededIp = "RequestLimitExceeded.IPLimitExceeded",
        "The number of requests of this IP address exceeds the frequency limit.";
    /// Too many calls of an account.
    RequestLimitExceededUin = "RequestLimitExceeded.UinLimitExceeded",
        "The number of requests of this account exceeds the frequency limit.";
    /// The body is too large.
    RequestSizeLimitExceeded = "RequestSizeLimitExceeded", "The request is larger than allowed.";
    /// Something is used.
    ResourceInUse = "ResourceInUse", "The resource is in use.";
    /// There is not enough of something.
    ResourceInsufficient = "ResourceInsufficient", "There is not enough of a resource.";
    /// No such resource.
    ResourceNotFound = "ResourceNotFound", "The resource is not found.";
    /// A resource that cannot be used.
    ResourceUnavailable = "ResourceUnavailable", "The resource is not available.";
    /// The answer is too large.
    ResponseSizeLimitExceeded = "ResponseSizeLimitExceeded", "The response is larger than allowed.";
    /// The service is down.
    ServiceUnavailable = "ServiceUnavailable", "The service is not available now.";
    /// No right.
    UnauthorizedOperation = "UnauthorizedOperation", "You are not authorized to perform this operation.";
    /// A parameter that the action does not have.
    UnknownParameter = "UnknownParameter", "A parameter is not recognized.";
    /// Not in this state, or not at all.
    UnsupportedOperation = "UnsupportedOperation", "The operation is not supported.";
    /// Neither GET nor POST.
    UnsupportedProtocol = "UnsupportedProtocol", "The request method is not supported: use GET or POST.";
    /// A region that is not served.
    UnsupportedRegion = "UnsupportedRegion", "The action does not support this region.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In which language messages are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// `zh-CN`, what the SDKs ask for unasked.
    Chinese,
    /// `en-US`, and whatever else is said or nothing.
    #[default]
    English,
}

impl Language {
    /// The one that `X-TC-Language` names.
    #[must_use]
    pub fn of(request: &CloudRequest<'_>) -> Self {
        match request.header("x-tc-language").map(str::trim) {
            Some("zh-CN") => Self::Chinese,
            _ => Self::English,
        }
    }
}

/// What a call is refused with: a code and a message, sent with the HTTP status 200 as every answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to serve the call: {code}: {}", self.message(Language::English))]
pub struct Error {
    code: Code,
    message: Option<String>,
}

/// The most characters of the caller's words that a message repeats.
const MOST_REPEATED: usize = 128;

/// The caller's word as a message may repeat it.
fn repeated(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(MOST_REPEATED).collect()
}

impl Error {
    /// With the code's own message.
    #[must_use]
    pub const fn of(code: Code) -> Self {
        Self { code, message: None }
    }

    /// With a message of its own, in English whatever the caller's language is.
    #[must_use]
    pub fn saying(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The message. Only where the Chinese one is known is it another than the English one.
    #[must_use]
    pub fn message(&self, language: Language) -> &str {
        match (&self.message, self.code, language) {
            (Some(message), _, _) => message,
            (None, Code::SignatureFailure, Language::Chinese) => {
                "请求签名验证失败，请检查您的签名计算是否正确。"
            }
            (None, code, _) => code.message(),
        }
    }

    pub(super) fn missing(name: &str) -> Self {
        let message = format!("The request is missing a required parameter `{name}`.");
        Self::saying(Code::MissingParameter, message)
    }

    pub(super) fn unknown(name: &str) -> Self {
        let message = format!("The parameter `{}` is not recognized.", repeated(name));
        Self::saying(Code::UnknownParameter, message)
    }

    pub(super) fn wrong_type(name: &str) -> Self {
        Self::saying(Code::InvalidParameter, format!("Parameter `{}` type error.", repeated(name)))
    }

    /// `rule` says what is allowed; the value is not repeated, as it may be a secret.
    pub(super) fn value(name: &str, rule: &str) -> Self {
        Self::saying(Code::InvalidParameterValue, format!("Parameter `{name}` value error: {rule}."))
    }

    pub(super) fn authorization(why: &str) -> Self {
        Self::saying(Code::InvalidAuthorization, format!("The `Authorization` header is not valid: {why}."))
    }
}
