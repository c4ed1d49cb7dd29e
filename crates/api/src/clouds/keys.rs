//! The access keys that calls are signed with.

use model::AccessKeyId;

use crate::edge::Edge;
use crate::service::{KnownKey, ServiceResult};

/// The key of that id, enabled or not; none where the text can be no id.
pub(super) async fn look_up(edge: &Edge, id: &str) -> ServiceResult<Option<KnownKey>> {
    match id.parse() {
        Ok(id) => edge.service().access_key(&id).await,
        Err(_) => Ok(None),
    }
}

/// Notes that a call was signed with a key. Nice to know, and no reason to refuse.
pub(super) async fn note_use(edge: &Edge, id: &str) {
    let Ok(id) = id.parse::<AccessKeyId>() else { return };
    if let Err(error) = edge.service().note_key_used(&id).await {
        tracing::warn!(key = id.as_str(), "the use of an access key could not be noted: {error}");
    }
}
