//! Images from layers, in every form in which one can be handed to `imc`.

mod archive;
mod layout;

use serde_json::{Value, json};

use crate::{Layer, sha256};

/// Which family of media types the documents use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MediaTypes {
    /// `application/vnd.oci.image...`
    #[default]
    Oci,
    /// `application/vnd.docker.distribution...`, schema 2.
    Docker,
}

impl MediaTypes {
    fn manifest(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    fn index(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.index.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    fn config(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.config.v1+json",
            Self::Docker => "application/vnd.docker.container.image.v1+json",
        }
    }
}

/// An image for one platform: the exact bytes of its documents, and its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Family of the media types.
    pub media_types: MediaTypes,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The image config's bytes.
    pub config: Vec<u8>,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// The platform as an index lists it.
    pub platform: Value,
}

impl Image {
    /// The media type of the manifest.
    #[must_use]
    pub fn manifest_type(&self) -> &'static str {
        self.media_types.manifest()
    }

    /// `sha256:` of the manifest.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(&self.manifest)
    }

    /// `sha256:` of the image config.
    #[must_use]
    pub fn config_digest(&self) -> String {
        sha256(&self.config)
    }

    /// Digest and bytes of all it consists of but the manifest: config, layers.
    pub fn blobs(&self) -> impl Iterator<Item = (String, &[u8])> {
        let layers = self.layers.iter().map(|layer| (layer.digest.clone(), layer.blob.as_slice()));
        std::iter::once((self.config_digest(), self.config.as_slice())).chain(layers)
    }

    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.manifest_type(), "digest": self.digest(), "size": self.manifest.len(),
            "platform": self.platform,
        })
    }
}

/// Images of several platforms under one digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageIndex {
    /// Family of the media types.
    pub media_types: MediaTypes,
    /// The index's bytes.
    pub index: Vec<u8>,
    /// The images in its order.
    pub images: Vec<Image>,
}

impl ImageIndex {
    /// An index over those images, in that order.
    #[must_use]
    pub fn new(media_types: MediaTypes, images: Vec<Image>) -> Self {
        let manifests: Vec<Value> = images.iter().map(Image::descriptor).collect();
        let index = json!({ "schemaVersion": 2, "mediaType": media_types.index(), "manifests": manifests });
        Self { media_types, index: index.to_string().into_bytes(), images }
    }

    /// The media type of the index.
    #[must_use]
    pub fn index_type(&self) -> &'static str {
        self.media_types.index()
    }

    /// `sha256:` of the index.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(&self.index)
    }
}

/// Builds an image from layers and settings.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    media_types: MediaTypes,
    layers: Vec<Layer>,
    platform: Value,
    settings: Value,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        Self {
            media_types: MediaTypes::Oci,
            layers: Vec::new(),
            platform: json!({ "os": "linux", "architecture": "amd64" }),
            settings: json!({}),
        }
    }
}

impl ImageBuilder {
    /// An image for linux/amd64 without layers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer on top.
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// With that family of media types.
    #[must_use]
    pub fn media_types(mut self, media_types: MediaTypes) -> Self {
        self.media_types = media_types;
        self
    }

    /// For that platform.
    #[must_use]
    pub fn platform(mut self, os: &str, architecture: &str) -> Self {
        self.platform = json!({ "os": os, "architecture": architecture });
        self
    }

    /// With that variant of the architecture: `v8`.
    #[must_use]
    pub fn variant(mut self, variant: &str) -> Self {
        self.platform["variant"] = json!(variant);
        self
    }

    /// With that version of the operating system, as Windows images have one.
    #[must_use]
    pub fn os_version(mut self, version: &str) -> Self {
        self.platform["os.version"] = json!(version);
        self
    }

    /// Any runtime setting by its name in the image config: `setting("Env", ["A=b"])`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings[name] = value.into();
        self
    }

    /// The program and its first arguments.
    #[must_use]
    pub fn entrypoint<const N: usize>(self, words: [&str; N]) -> Self {
        self.setting("Entrypoint", words.map(Value::from).to_vec())
    }

    /// The arguments where the user gives none.
    #[must_use]
    pub fn cmd<const N: usize>(self, words: [&str; N]) -> Self {
        self.setting("Cmd", words.map(Value::from).to_vec())
    }

    /// The environment.
    #[must_use]
    pub fn env<const N: usize>(self, variables: [&str; N]) -> Self {
        self.setting("Env", variables.map(Value::from).to_vec())
    }

    /// The image.
    #[must_use]
    pub fn build(self) -> Image {
        let diff_ids: Vec<&str> = self.layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        let mut config = self.platform.clone();
        config["config"] = self.settings;
        config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
        let history: Vec<Value> = diff_ids.iter().map(|_| json!({ "created_by": "testkit" })).collect();
        config["history"] = Value::from(history);
        let config = config.to_string().into_bytes();
        let family = self.media_types;
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| json!({ "mediaType": layer.media_type(family), "digest": layer.digest, "size": layer.blob.len() }))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": family.manifest(),
            "config": { "mediaType": family.config(), "digest": sha256(&config), "size": config.len() },
            "layers": layers,
        });
        Image {
            media_types: family,
            manifest: manifest.to_string().into_bytes(),
            config,
            layers: self.layers,
            platform: self.platform,
        }
    }
}
