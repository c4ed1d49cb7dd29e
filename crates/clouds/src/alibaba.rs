//! Alibaba Cloud ECI, version 2018-08-08.

mod call;
pub mod error;
mod parameters;
mod reply;
pub mod request;
mod signature;

pub use call::Call;
pub use error::{ErrorCode, Refusal};
pub use reply::{Caller, Format, Reply, RequestId};
pub use request::{Operation, OperationName};
pub use signature::{SKEW_SECONDS, Signed};
