//! In this very process: a `tower` service, such as the server's own routes.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::marker::PhantomData;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyDataStream;
use tower::{Service, ServiceExt as _};

use super::{ByteStream, Transport, TransportError};

/// Requests to a service in this process.
#[derive(Clone, Debug)]
pub struct InProcess<S, B> {
    service: S,
    body: PhantomData<fn(B)>,
}

impl<S, B> InProcess<S, B> {
    /// To that service, which takes bodies of the type `B`.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self { service, body: PhantomData }
    }
}

#[async_trait]
impl<S, B, A> Transport for InProcess<S, B>
where
    S: Service<Request<B>, Response = Response<A>, Error = Infallible, Future: Send> + Clone + Send + Sync,
    B: From<Bytes> + Send + 'static,
    A: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ByteStream>, TransportError> {
        let answer = self.service.clone().oneshot(request.map(B::from)).await;
        let answer = answer.unwrap_or_else(|never| match never {});
        Ok(answer.map(|body| BodyDataStream::new(body).map_err(TransportError::because).boxed()))
    }

    fn server(&self) -> &str {
        "this process"
    }
}
