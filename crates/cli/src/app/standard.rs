//! The directory of standard copies, where one is configured.

use blobstore::DirectoryStore;
use engine::DirectoryCopies;
use settings::Settings;

use crate::exit::Failure;

/// What to do where it has another store's copies.
const ADVICE: &str = "give each data directory a standard.store_dir of its own; servers that share one share the data directory as well";

/// Refuses another store's copies: all of them would be nobody's to the next collection.
pub(super) fn open(settings: &Settings, store: &DirectoryStore) -> Result<Option<DirectoryCopies>, Failure> {
    let Some(root) = &settings.standard.store_dir else { return Ok(None) };
    let dir = root.display();
    let owner = DirectoryCopies::owner(root).map_err(|error| {
        let message = format!("failed to find out whose the standard copies in {dir} are: {error}");
        Failure::configuration(message, "check standard.store_dir and its permissions")
    })?;
    match owner {
        Some(owner) if owner != store.id() => {
            let (data, own) = (store.root().display(), store.id());
            let message = format!(
                "failed to open the standard copies in {dir}: they are of the store {owner}, and the data directory {data} is another one, {own}"
            );
            Err(Failure::configuration(message, ADVICE))
        }
        _ => Ok(Some(DirectoryCopies::new(root, store.id()))),
    }
}
