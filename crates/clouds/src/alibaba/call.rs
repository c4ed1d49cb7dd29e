//! One call: what a request names before anything of it is believed.

use std::fmt;

use model::Timestamp;

use super::error::{ErrorCode, Refusal};
use super::parameters::{Fields, Pairs, Tree};
use super::reply::Format;
use super::request::{Operation, OperationName};
use super::signature::{Acs3, Rpc, Signed, is_acs3};
use crate::CloudRequest;

/// The one version of the service.
const VERSION: &str = "2018-08-08";
/// The path of every operation.
const PATH: &str = "/";

/// A request that names an operation and an access key. Nothing of it is proven before [`Call::verify`].
pub struct Call<'a> {
    request: CloudRequest<'a>,
    pairs: Pairs,
    operation: OperationName,
    format: Format,
    scheme: Scheme,
}

/// Without its parameters, of which some are passwords.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("access_key_id", &self.access_key_id())
            .finish_non_exhaustive()
    }
}

enum Scheme {
    Rpc(Rpc),
    Acs3(Acs3),
}

impl<'a> Call<'a> {
    /// Reads what a request names.
    ///
    /// # Errors
    /// The refusal of what is not a call: another method, path, operation or version; parameters that cannot be decoded; a signature
    /// that is missing or not whole.
    pub fn read(request: CloudRequest<'a>) -> Result<Self, Refusal> {
        if !matches!(request.method, "GET" | "POST") {
            return Err(Refusal::new(ErrorCode::UnsupportedHttpMethod));
        }
        if request.path != PATH {
            return Err(Refusal::new(ErrorCode::InvalidActionNotFound));
        }
        let pairs = Pairs::read(&request)?;
        // Not by `x-acs-action`: SDKs send it with either scheme.
        let (action, version, scheme) = match is_signed_by_header(&request) {
            true => {
                let scheme = Scheme::Acs3(Acs3::read(&request)?);
                (
                    named_by_header(&request, "x-acs-action")?,
                    named_by_header(&request, "x-acs-version")?,
                    scheme,
                )
            }
            false => {
                let (action, version) = (pairs.required("Action")?, pairs.required("Version")?);
                (action, version, Scheme::Rpc(Rpc::read(&pairs)?))
            }
        };
        let format = format(&request, &pairs)?;
        if version != VERSION {
            return Err(Refusal::new(ErrorCode::InvalidVersion));
        }
        let operation = action.parse().map_err(|_| Refusal::new(ErrorCode::InvalidActionNotFound))?;
        Ok(Self { request, pairs, operation, format, scheme })
    }

    /// How a request wants its answer, as far as it can be told of one that [`Call::read`] refused.
    #[must_use]
    pub fn format_of(request: &CloudRequest<'_>) -> Format {
        let pairs = Pairs::read(request);
        pairs.and_then(|pairs| format(request, &pairs)).unwrap_or(Format::Json)
    }

    /// The operation that it names.
    #[must_use]
    pub fn operation_name(&self) -> OperationName {
        self.operation
    }

    /// The access key that it says it is signed with.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        match &self.scheme {
            Scheme::Rpc(rpc) => &rpc.access_key_id,
            Scheme::Acs3(acs3) => &acs3.access_key_id,
        }
    }

    /// How the answer is wanted.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it was signed with this secret, at most `skew_seconds` from now (usually [`super::SKEW_SECONDS`]). That its nonce is new
    /// is for the caller to see to.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch` with what the server signed, `InvalidTimeStamp.Format` or `InvalidTimeStamp.Expired`.
    pub fn verify(&self, secret: &[u8], now: Timestamp, skew_seconds: u32) -> Result<Signed, Refusal> {
        match &self.scheme {
            Scheme::Rpc(rpc) => rpc.verify(&self.request, &self.pairs, secret, now, skew_seconds),
            Scheme::Acs3(acs3) => acs3.verify(&self.request, &self.pairs, secret, now, skew_seconds),
        }
    }

    /// The operation with its parameters.
    ///
    /// # Errors
    /// The refusal of the first parameter that is missing, malformed or out of its range.
    pub fn operation(&self) -> Result<Operation, Refusal> {
        let tree = Tree::of(self.pairs.iter());
        Operation::read(self.operation, &Fields::of(&tree))
    }
}

fn is_signed_by_header(request: &CloudRequest<'_>) -> bool {
    request.header("authorization").is_some_and(is_acs3)
}

fn named_by_header<'a>(request: &CloudRequest<'a>, name: &str) -> Result<&'a str, Refusal> {
    request.header(name).map(str::trim).ok_or_else(|| Refusal::missing(name))
}

/// ACS3 is answered in JSON always; the older scheme in XML where nothing is said.
fn format(request: &CloudRequest<'_>, pairs: &Pairs) -> Result<Format, Refusal> {
    if is_signed_by_header(request) {
        return Ok(Format::Json);
    }
    match pairs.get("Format").map(str::to_ascii_uppercase).as_deref() {
        Some("JSON") => Ok(Format::Json),
        Some("XML") | None => Ok(Format::Xml),
        Some(_) => Err(Refusal::new(ErrorCode::InvalidParameterFormat)),
    }
}
