//! OCI image layouts. Source: OCI image-spec, `image-layout.md`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Image, ImageIndex, sha256};

impl Image {
    /// Adds the image under `tag` to an OCI layout, which is made where there is none.
    ///
    /// # Panics
    ///
    /// Where the folder cannot be written, or holds something else.
    pub fn write_oci_layout(&self, folder: &Path, tag: &str) {
        self.write_blobs(folder);
        let mut descriptor = self.descriptor();
        descriptor.as_object_mut().expect("a descriptor is an object").remove("platform");
        add_to_index(folder, tag, descriptor);
    }

    fn write_blobs(&self, folder: &Path) {
        for (_, bytes) in self.blobs() {
            write_blob(folder, bytes);
        }
        write_blob(folder, &self.manifest);
    }
}

impl ImageIndex {
    /// Adds the index under `tag` to an OCI layout, which is made where there is none.
    ///
    /// # Panics
    ///
    /// Where the folder cannot be written, or holds something else.
    pub fn write_oci_layout(&self, folder: &Path, tag: &str) {
        for image in &self.images {
            image.write_blobs(folder);
        }
        write_blob(folder, &self.index);
        let descriptor =
            json!({ "mediaType": self.index_type(), "digest": self.digest(), "size": self.index.len() });
        add_to_index(folder, tag, descriptor);
    }
}

fn write_blob(folder: &Path, bytes: &[u8]) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a layout folder");
    let digest = sha256(bytes);
    let name = digest.strip_prefix("sha256:").expect("made with that prefix");
    fs::write(blobs.join(name), bytes).expect("a blob in the layout");
}

fn add_to_index(folder: &Path, tag: &str, mut descriptor: Value) {
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("the layout's marker");
    let path = folder.join("index.json");
    let mut index = fs::read(&path)
        .map(|bytes| serde_json::from_slice(&bytes).expect("an index"))
        .unwrap_or_else(|_| json!({ "schemaVersion": 2, "manifests": [] }));
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    let manifests = index["manifests"].as_array_mut().expect("an index has manifests");
    manifests.retain(|known| known["annotations"]["org.opencontainers.image.ref.name"] != tag);
    manifests.push(descriptor);
    fs::write(&path, index.to_string()).expect("the layout's index");
}
