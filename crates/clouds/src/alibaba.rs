//! Alibaba Cloud ECI, version 2018-08-08: what its SDKs send and read.
//!
//! Nothing here knows the time, keeps a secret or remembers a call. Whoever serves HTTP does it in this order:
//!
//! 1. [`Call::read`] says which operation and which access key a request names; nothing of it is believed yet.
//! 2. The key is looked up: there are [`ErrorCode::InvalidAccessKeyIdNotFound`] and [`ErrorCode::InvalidAccessKeyIdInactive`].
//! 3. [`Call::verify`] checks signature and time. The nonce that it hands out must be new to that key:
//!    [`ErrorCode::SignatureNonceUsed`].
//! 4. [`Call::operation`] parses the parameters into an [`Operation`]. [`PARAMETERS`] says what becomes of each.
//! 5. [`ram::access_requests`] names what it needs permission for, [`ram::Policy::decide`] decides, [`Refusal::denied`] says no.
//! 6. What is done is said by [`Answer::reply`], what is not by [`Refusal::reply`].
//!
//! ```
//! use clouds::CloudRequest;
//! use clouds::alibaba::{Answer, Call, Caller, ErrorCode, Operation, Refusal, Reply, RequestId, SKEW_SECONDS, ram};
//! use model::{Tags, Timestamp};
//!
//! fn serve(request: CloudRequest<'_>, request_id: RequestId, now: Timestamp) -> Reply {
//!     let format = Call::format_of(&request);
//!     let host = request.header("host").unwrap_or_default();
//!     let caller = Caller { request_id, format, host, troubleshooting: None };
//!     match answer(request, now) {
//!         Ok(answer) => answer.reply(&caller),
//!         Err(refusal) => refusal.reply(&caller),
//!     }
//! }
//!
//! fn answer(request: CloudRequest<'_>, now: Timestamp) -> Result<Answer, Refusal> {
//!     let call = Call::read(request)?;
//!     let (secret, account, policy) = look_up(call.access_key_id())?;
//!     let signed = call.verify(&secret, now, SKEW_SECONDS)?;
//!     # let _ = signed;
//!     // ... is signed.nonce new to signed.access_key_id?
//!     let operation = call.operation()?;
//!     for access in ram::access_requests(&operation, &account) {
//!         let tags = Tags::default(); // of access.id, or of what is created
//!         policy.decide(&access.action, &access.resource, &tags).map_err(Refusal::denied)?;
//!     }
//!     perform(operation)
//! }
//! # fn look_up(_: &str) -> Result<(Vec<u8>, String, ram::Policy), Refusal> {
//! #     Err(Refusal::new(ErrorCode::InvalidAccessKeyIdNotFound))
//! # }
//! # fn perform(_: Operation) -> Result<Answer, Refusal> { Err(Refusal::new(ErrorCode::ServiceUnavailable)) }
//! ```
//!
//! A refusal's `Debug` and `Display` may be logged; its message, and a [`CloudRequest`](crate::CloudRequest), may not: they have the
//! request's passwords in them.

pub mod answer;
mod call;
pub mod error;
mod parameters;
pub mod ram;
mod reply;
pub mod request;
mod signature;
mod table;

pub use answer::Answer;
pub use call::Call;
pub use error::{Denial, ErrorCode, Refusal};
pub use reply::{Caller, Format, Reply, RequestId};
pub use request::{Operation, OperationName};
pub use signature::{SKEW_SECONDS, Signed};
pub use table::{Fate, PARAMETERS};
