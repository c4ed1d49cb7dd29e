//! What a call asks for: the five operations with all their parameters.
//!
//! POST has a JSON object, GET the same flattened into the query (`query`). Both become one tree, which is held against the
//! operation's table of parameters (`schema`, `check`) and only then read into the structures here (`fields`). So the
//! faults of the whole request are found in the order of the sheet: unknown names first, then types, then what is missing,
//! then values. `null` is as absent; an optional text without a character too.

mod check;
mod create;
mod describe;
mod fields;
mod query;
pub(super) mod schema;
mod structures;
mod update;

use serde_json::{Map, Value};

use crate::CloudRequest;

use super::{Code, Error};

use check::Form;
use fields::Fields;

pub use create::CreateImageCache;
pub use describe::{DescribeImageCaches, Filter};
pub use structures::{
    DeletePolicy, EipAttribute, GivenImage, ImageRegistryCredential, InternetServiceProvider, NamedCache,
    Retention,
};
pub use update::{DeleteImageCaches, GetMostSuitableImageCache, UpdateImageCache};

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationName {
    /// Asks for a cache.
    CreateImageCache,
    /// Lists caches.
    DescribeImageCaches,
    /// Changes a cache.
    UpdateImageCache,
    /// Deletes caches.
    DeleteImageCaches,
    /// Says which cache serves some images best.
    GetMostSuitableImageCache,
}

impl OperationName {
    /// Every operation.
    pub const ALL: [Self; 5] = [
        Self::CreateImageCache,
        Self::DescribeImageCaches,
        Self::UpdateImageCache,
        Self::DeleteImageCaches,
        Self::GetMostSuitableImageCache,
    ];

    /// The operation of that action.
    #[must_use]
    pub fn of(action: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == action)
    }

    /// The action.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateImageCache => "CreateImageCache",
            Self::DescribeImageCaches => "DescribeImageCaches",
            Self::UpdateImageCache => "UpdateImageCache",
            Self::DeleteImageCaches => "DeleteImageCaches",
            Self::GetMostSuitableImageCache => "GetMostSuitableImageCache",
        }
    }

    /// The codes that the operation's own page lists, beside the common ones.
    #[must_use]
    pub fn codes(self) -> &'static [Code] {
        use Code::{
            InternalError, InternalErrorCamNoAuth, InvalidParameter, ResourceNotFound, UnsupportedOperation,
        };
        match self {
            Self::CreateImageCache | Self::DescribeImageCaches => &[InternalError, InvalidParameter],
            Self::UpdateImageCache => &[ResourceNotFound, UnsupportedOperation],
            Self::DeleteImageCaches => &[InternalError, InvalidParameter, ResourceNotFound],
            Self::GetMostSuitableImageCache => &[InternalError, InternalErrorCamNoAuth, InvalidParameter],
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Asks for a cache.
    CreateImageCache(CreateImageCache),
    /// Lists caches.
    DescribeImageCaches(DescribeImageCaches),
    /// Changes a cache.
    UpdateImageCache(UpdateImageCache),
    /// Deletes caches.
    DeleteImageCaches(DeleteImageCaches),
    /// Says which cache serves some images best.
    GetMostSuitableImageCache(GetMostSuitableImageCache),
}

impl Operation {
    /// Which it is.
    #[must_use]
    pub fn name(&self) -> OperationName {
        match self {
            Self::CreateImageCache(_) => OperationName::CreateImageCache,
            Self::DescribeImageCaches(_) => OperationName::DescribeImageCaches,
            Self::UpdateImageCache(_) => OperationName::UpdateImageCache,
            Self::DeleteImageCaches(_) => OperationName::DeleteImageCaches,
            Self::GetMostSuitableImageCache(_) => OperationName::GetMostSuitableImageCache,
        }
    }

    pub(super) fn read(name: OperationName, request: &CloudRequest<'_>) -> Result<Self, Error> {
        let (parameters, form) = match request.method {
            "GET" => (query::tree(request.query)?, Form::Text),
            _ => (json_object(request)?, Form::Json),
        };
        Self::parse(name, parameters, form)
    }

    fn parse(name: OperationName, parameters: Map<String, Value>, form: Form) -> Result<Self, Error> {
        let schema = schema::of(name);
        let mut fields = Fields::top(schema, check::tidy(schema, parameters, form)?);
        Ok(match name {
            OperationName::CreateImageCache => Self::CreateImageCache(CreateImageCache::read(&mut fields)?),
            OperationName::DescribeImageCaches => {
                Self::DescribeImageCaches(DescribeImageCaches::read(&mut fields)?)
            }
            OperationName::UpdateImageCache => Self::UpdateImageCache(UpdateImageCache::read(&mut fields)?),
            OperationName::DeleteImageCaches => {
                Self::DeleteImageCaches(DeleteImageCaches::read(&mut fields)?)
            }
            OperationName::GetMostSuitableImageCache => {
                Self::GetMostSuitableImageCache(GetMostSuitableImageCache::read(&mut fields)?)
            }
        })
    }
}

fn json_object(request: &CloudRequest<'_>) -> Result<Map<String, Value>, Error> {
    let malformed = |why: &str| Error::saying(Code::InvalidRequest, why);
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(malformed("The content type of a POST request must be `application/json`."));
    }
    match serde_json::from_slice(request.body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::saying(Code::InvalidParameter, "The request body is not a JSON object.")),
        Err(_) => Err(malformed("The request body is not valid JSON.")),
    }
}

#[cfg(test)]
mod tests;
