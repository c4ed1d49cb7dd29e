//! The wire of the two clouds whose image caches imc speaks: their signatures, parameters, answers and errors.
//!
//! Everything here is pure: bytes and a time come in, typed requests and bytes go out. What is decided about a request is
//! decided elsewhere.

pub mod alibaba;
pub mod request;
pub mod tencent;

pub use request::CloudRequest;
