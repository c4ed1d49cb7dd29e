//! One call on its way in: who says to call, then who has proved to, then what is asked for.

use model::Timestamp;

use crate::CloudRequest;

use super::signature::{self, Authorization};
use super::{Code, Error, Operation, OperationName};

/// The version of the API.
pub const VERSION: &str = "2018-05-25";
/// The largest body, in bytes: the vendor's "10 MB" for TC3.
pub const MOST_BODY_BYTES: usize = 10 * 1024 * 1024;
/// The most seconds that a call's time may lie before or after now, as the vendor has it.
pub const SKEW_SECONDS: u32 = 300;

/// A call that says who makes it. Nothing of it is proved yet.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    request: CloudRequest<'a>,
    authorization: Authorization<'a>,
    /// As sent: it is signed as text.
    timestamp: &'a str,
    seconds: i64,
    action: &'a str,
    version: &'a str,
    region: &'a str,
}

/// A call whose signature is right.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a>(Call<'a>);

/// Whether a request is meant for this dialect: it has headers `X-TC-...`, a TC3 signature, or the parameters of the older
/// signature with this version.
#[must_use]
pub fn speaks(request: &CloudRequest<'_>) -> bool {
    let scheme = request.header("authorization").is_some_and(|value| value.trim().starts_with("TC3-"));
    let older = || {
        let form = std::str::from_utf8(request.body).unwrap_or_default();
        [request.query, form]
            .iter()
            .any(|pairs| pairs.split('&').any(|pair| pair.strip_prefix("Version=") == Some(VERSION)))
    };
    scheme || request.headers.iter().any(|(name, _)| name.starts_with("x-tc-")) || older()
}

impl<'a> Call<'a> {
    /// Reads the method and the headers.
    ///
    /// # Errors
    /// In this order: `UnsupportedProtocol`, `RequestSizeLimitExceeded`, `AuthFailure.InvalidAuthorization` (also for the
    /// older signature and for `SKIP`), `InvalidParameter` for a timestamp that is no number, `AuthFailure.SignatureFailure`
    /// for a date other than the timestamp's, `MissingParameter`.
    pub fn read(request: &CloudRequest<'a>) -> Result<Self, Error> {
        if !matches!(request.method, "GET" | "POST") {
            return Err(Error::of(Code::UnsupportedProtocol));
        }
        if request.body.len() > MOST_BODY_BYTES {
            return Err(Error::of(Code::RequestSizeLimitExceeded));
        }
        let Some(header) = request.header("authorization") else {
            return Err(Error::authorization(
                "there is none; calls are signed with TC3-HMAC-SHA256, not with HmacSHA1 or HmacSHA256",
            ));
        };
        let authorization = Authorization::parse(header)?;
        let common = |name: &str| request.header(name).map(str::trim).filter(|value| !value.is_empty());
        let timestamp = common("x-tc-timestamp");
        let seconds = timestamp.map(seconds).transpose()?.unwrap_or_default();
        if timestamp.is_some() && signature::utc_date(seconds).as_deref() != Some(authorization.date) {
            return Err(Error::of(Code::SignatureFailure));
        }
        let needed = |value: Option<&'a str>, name| value.ok_or_else(|| Error::missing(name));
        Ok(Self {
            request: *request,
            authorization,
            seconds,
            action: needed(common("x-tc-action"), "Action")?,
            version: needed(common("x-tc-version"), "Version")?,
            timestamp: needed(timestamp, "Timestamp")?,
            region: needed(common("x-tc-region"), "Region")?,
        })
    }

    /// Whose key is to be looked up. An unknown one is [`Code::SecretIdNotFound`].
    #[must_use]
    pub fn secret_id(&self) -> &'a str {
        self.authorization.secret_id
    }

    /// Compares time and signature. `skew_seconds` is how far the call's time may lie before or after now; the vendor has
    /// [`SKEW_SECONDS`].
    ///
    /// # Errors
    /// In this order: `AuthFailure.SignatureExpire`, `AuthFailure.SignatureFailure`, `AuthFailure.TokenFailure` (no
    /// temporary credentials are given out, so that every token is a wrong one).
    pub fn verify(self, secret_key: &[u8], now: Timestamp, skew_seconds: u32) -> Result<Signed<'a>, Error> {
        let now = now.as_micros().div_euclid(1_000_000);
        if now.abs_diff(self.seconds) > u64::from(skew_seconds) {
            return Err(Error::of(Code::SignatureExpire));
        }
        signature::verify(&self.request, &self.authorization, self.timestamp, secret_key)?;
        match self.request.header("x-tc-token").map(str::trim) {
            None | Some("") => Ok(Signed(self)),
            Some(_) => Err(Error::of(Code::TokenFailure)),
        }
    }
}

/// Unix seconds, in the years that have four digits.
fn seconds(text: &str) -> Result<i64, Error> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| plain && signature::utc_date(*seconds).is_some());
    seconds.ok_or_else(|| Error::wrong_type("Timestamp"))
}

impl<'a> Signed<'a> {
    /// Who calls.
    #[must_use]
    pub fn secret_id(&self) -> &'a str {
        self.0.authorization.secret_id
    }

    /// The call's own time.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.0.seconds.saturating_mul(1_000_000))
    }

    /// The region asked for, as sent.
    #[must_use]
    pub fn region(&self) -> &'a str {
        self.0.region
    }

    /// The signature. TC3 has no nonce: until its time is over, the same bytes may be sent again by anyone who saw them, and
    /// a client that sends the same call twice within one second signs it alike, so that refusing a signature seen before
    /// refuses rightful calls. See [`Signed::covers_action`] for what can be refused.
    #[must_use]
    pub fn signature(&self) -> [u8; 32] {
        self.0.authorization.signature
    }

    /// Whether the signature covers the action. That of the SDKs does not: whoever saw a call may send its body again with
    /// another action, such as the ids of a description for a deletion. An edge that remembers signatures with their
    /// actions for twice the skew can refuse that.
    #[must_use]
    pub fn covers_action(&self) -> bool {
        self.0.authorization.covers("x-tc-action")
    }

    /// Whether the signature covers the parameters: it does unless the client said `UNSIGNED-PAYLOAD` of a body.
    #[must_use]
    pub fn covers_parameters(&self) -> bool {
        let said = self.0.request.header("x-tc-content-sha256").map(str::trim);
        self.0.request.method == "GET" || said != Some(signature::UNSIGNED_PAYLOAD)
    }

    /// Reads what is asked for. `serves` says whether a region is served here.
    ///
    /// # Errors
    /// In this order: `NoSuchVersion`, `InvalidAction`, `UnsupportedRegion`, then those of the parameters:
    /// `InvalidRequest` (not JSON), `InvalidParameter` (not an object), `UnknownParameter`, `InvalidParameter` (wrong type),
    /// `MissingParameter`, `InvalidParameterValue`.
    pub fn operation(&self, serves: impl FnOnce(&str) -> bool) -> Result<Operation, Error> {
        if self.0.version != VERSION {
            return Err(Error::of(Code::NoSuchVersion));
        }
        let name = OperationName::of(self.0.action).ok_or_else(|| Error::of(Code::InvalidAction))?;
        if !serves(self.0.region) {
            return Err(Error::of(Code::UnsupportedRegion));
        }
        Operation::read(name, &self.0.request)
    }
}
