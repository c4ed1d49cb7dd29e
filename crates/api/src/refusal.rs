//! Refusals: problems on their way to the wire.

mod of_service;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use wire::{Problem, ProblemKind};

/// The longest text that a problem repeats of a request.
const LONGEST_DETAIL: usize = 1000;

/// A problem that ends a request. It is written out by the layer that knows the request's id.
///
/// What failed inside is beside it, and is told to nobody but the owner of the data, who can read the log as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) Box<Problem>, pub(crate) Option<String>);

impl Refusal {
    pub(crate) fn new(kind: ProblemKind) -> Self {
        Self(Box::new(Problem::of(kind)), None)
    }

    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if detail.len() > LONGEST_DETAIL {
            let end = (0..=LONGEST_DETAIL).rev().find(|end| detail.is_char_boundary(*end)).unwrap_or(0);
            detail.truncate(end);
            detail.push('…');
        }
        Self(Box::new(self.0.detail(detail)), self.1)
    }

    pub(crate) fn field(self, field: impl Into<String>) -> Self {
        Self(Box::new(self.0.field(field)), self.1)
    }

    pub(crate) fn allowed<T: Into<String>>(self, allowed: impl IntoIterator<Item = T>) -> Self {
        Self(Box::new(self.0.allowed(allowed)), self.1)
    }

    /// With the stable word of what failed.
    pub(crate) fn reason(mut self, reason: Option<&'static str>) -> Self {
        self.0.reason = reason.map(ToOwned::to_owned);
        self
    }

    /// With what failed inside.
    pub(crate) fn inside(mut self, inside: String) -> Self {
        self.1 = Some(inside);
        self
    }

    /// The problem, for the owner of the data with what failed inside.
    pub(crate) fn told(self, to_owner: bool) -> Problem {
        match (to_owner, self.1) {
            (true, Some(inside)) => self.0.detail(inside),
            _ => *self.0,
        }
    }

    /// A value of a field that is over or under its range.
    pub(crate) fn out_of_range(field: &str, given: impl std::fmt::Display, allowed: &str) -> Self {
        Self::new(ProblemKind::InvalidField)
            .detail(format!("failed to take {given} for `{field}`: expected {allowed}"))
            .field(field)
            .allowed([allowed])
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Writes a problem over a response; its other headers (`allow`, `retry-after`) stay.
pub(crate) fn write_out(response: Response, problem: &Problem) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = status_of(problem);
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    let body = serde_json::to_vec(problem).expect("a problem has no key that is no text");
    Response::from_parts(parts, axum::body::Body::from(body))
}

/// The problem that a status of the framework's own stands for.
pub(crate) fn kind_of_status(status: StatusCode) -> ProblemKind {
    match status {
        StatusCode::UNAUTHORIZED => ProblemKind::Unauthorized,
        StatusCode::FORBIDDEN => ProblemKind::Forbidden,
        StatusCode::NOT_FOUND => ProblemKind::NoSuchPath,
        StatusCode::METHOD_NOT_ALLOWED => ProblemKind::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => ProblemKind::Timeout,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UnsupportedMediaType,
        StatusCode::SERVICE_UNAVAILABLE => ProblemKind::Busy,
        status if status.is_server_error() => ProblemKind::Internal,
        _ => ProblemKind::BadRequest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_repeats_no_more_than_some_of_a_request() {
        let refusal = Refusal::new(ProblemKind::InvalidField).detail("ä".repeat(9000));
        assert!(refusal.0.detail.unwrap().len() <= LONGEST_DETAIL + '…'.len_utf8());
    }
}
