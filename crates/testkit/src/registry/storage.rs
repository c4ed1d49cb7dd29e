//! Writes images straight into a registry's storage.
//!
//! Source: distribution 2.8, `registry/storage/paths.go` documents the layout: blobs by digest, and per repository small
//! `link` files that name them. Milliseconds instead of an upload, and the same for every kind of authentication.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Image, sha256};

pub(super) fn add_image(storage: &Path, repository: &str, image: &Image) {
    for (digest, bytes) in image.blobs() {
        write_blob(storage, &digest, bytes);
        link(&repository_folder(storage, repository).join("_layers/sha256").join(hex(&digest)), &digest);
    }
    add_manifest(storage, repository, &image.manifest);
}

pub(super) fn add_manifest(storage: &Path, repository: &str, manifest: &[u8]) {
    let digest = sha256(manifest);
    write_blob(storage, &digest, manifest);
    link(
        &repository_folder(storage, repository).join("_manifests/revisions/sha256").join(hex(&digest)),
        &digest,
    );
}

pub(super) fn add_tag(storage: &Path, repository: &str, tag: &str, digest: &str) {
    let folder = repository_folder(storage, repository).join("_manifests/tags").join(tag);
    link(&folder.join("current"), digest);
    link(&folder.join("index/sha256").join(hex(digest)), digest);
}

pub(super) fn blob_file(storage: &Path, digest: &str) -> PathBuf {
    let hex = hex(digest);
    storage.join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
}

fn repository_folder(storage: &Path, repository: &str) -> PathBuf {
    storage.join("docker/registry/v2/repositories").join(repository)
}

fn write_blob(storage: &Path, digest: &str, bytes: &[u8]) {
    let file = blob_file(storage, digest);
    fs::create_dir_all(file.parent().expect("below the storage")).expect("the blob's folder");
    fs::write(file, bytes).expect("the blob");
}

fn link(folder: &Path, digest: &str) {
    fs::create_dir_all(folder).expect("the link's folder");
    fs::write(folder.join("link"), digest).expect("the link");
}

fn hex(digest: &str) -> &str {
    digest.strip_prefix("sha256:").expect("made with that prefix")
}
