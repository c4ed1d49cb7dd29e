//! Names of the API's own headers, and of those of others that it gives a meaning.

/// The account that an administrator acts for.
pub const ACCOUNT_HEADER: &str = "x-imc-account";
/// The id of the last event that a reader has.
pub const LAST_EVENT_ID_HEADER: &str = "last-event-id";
/// The id of a request, as in the log and in problems.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
