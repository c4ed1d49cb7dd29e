//! blobstore
