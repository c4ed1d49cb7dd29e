//! How far a cache is.

use http::Method;
use wire::Progress;

use super::resume::Resumed;
use super::{document, problem};
use crate::call::Call;
use crate::{Client, Result};

const WATCH: &str = "watch the cache";

/// How far a cache is, until nothing more will come.
pub struct ProgressWatch {
    stream: Resumed,
    is_over: bool,
}

impl ProgressWatch {
    pub(crate) fn new(client: Client, word: String) -> Self {
        let call = move || Call::on(WATCH, Method::GET, "/v1/caches", &word, "/progress");
        Self { stream: Resumed::new(client, WATCH, None, call), is_over: false }
    }

    /// The next one; `None` where nothing more will come, or the cache is gone. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of every operation; [`Error::BrokenOff`](crate::Error::BrokenOff) where the stream could not be taken up again.
    pub async fn next(&mut self) -> Result<Option<Progress>> {
        while !self.is_over {
            let event = self.stream.next().await?;
            match event.name.as_str() {
                "progress" => return document(WATCH, &event).map(Some),
                "end" | "gone" => self.is_over = true,
                "problem" => {
                    self.is_over = true;
                    return Err(problem(WATCH, &event));
                }
                // Of a later version.
                _ => {}
            }
        }
        Ok(None)
    }
}
