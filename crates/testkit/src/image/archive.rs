//! Archives as `docker save` writes them. Source: moby image-spec v1.2, "Combined Image JSON + Filesystem Changeset
//! Format": `manifest.json` names the config and the layers' tars, which are not compressed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Image, LayerBuilder};

impl Image {
    /// Writes the image as a docker archive that carries those names (`name:tag`).
    ///
    /// # Panics
    ///
    /// Where the file cannot be written.
    pub fn write_docker_archive(&self, file: &Path, names: &[&str]) {
        fs::write(file, self.docker_archive(names)).expect("the archive");
    }

    /// The bytes of a docker archive that carries those names.
    #[must_use]
    pub fn docker_archive(&self, names: &[&str]) -> Vec<u8> {
        let config_digest = self.config_digest();
        let config_name = format!("{}.json", bare(&config_digest));
        let mut archive = LayerBuilder::new().file(&config_name, &self.config);
        let mut paths: Vec<Value> = Vec::new();
        for layer in &self.layers {
            let path = format!("{}/layer.tar", bare(&layer.diff_id));
            // An equal layer twice is stored once, as docker does it.
            if !paths.contains(&Value::from(path.as_str())) {
                archive = archive.file(&path, &layer.tar);
            }
            paths.push(path.into());
        }
        let manifest = json!([{ "Config": config_name, "RepoTags": names, "Layers": paths }]);
        archive.file("manifest.json", manifest.to_string()).tar()
    }
}

fn bare(digest: &str) -> &str {
    digest.strip_prefix("sha256:").expect("made with that prefix")
}
