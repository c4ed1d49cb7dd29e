//! What every test needs: an image, impatient settings, a read to the end.

use std::time::Duration;

use model::{ImageSource, Platform};
use registry::{
    Error, ErrorKind, HostList, LayerStream, RangeSettings, Registry, ResolvedImage, RetryPolicy, Settings,
    Timeouts,
};
use testkit::{Compression, FaultServer, Image, ImageBuilder, LayerBuilder};

/// One layer of `length` bytes of noise and a little around it.
pub(crate) fn image(length: usize) -> Image {
    ImageBuilder::new().layer(LayerBuilder::new().noise("noise", length, 7).build(Compression::None)).build()
}

/// A server that has [`image`] as `app:v1`.
pub(crate) fn server(image: &Image) -> FaultServer {
    let server = FaultServer::start();
    server.serve_image("app", "v1", image);
    server
}

pub(crate) fn blob_path(image: &Image) -> String {
    format!("/v2/app/blobs/{}", image.layers[0].digest)
}

/// Settings that try again at once and wait for nothing long.
pub(crate) fn settings(plain_http: &[&str]) -> Settings {
    Settings {
        plain_http: plain_http.join(",").parse::<HostList>().unwrap(),
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            idle: Duration::from_millis(400),
            document: Duration::from_secs(5),
            ..Timeouts::default()
        },
        retry: RetryPolicy {
            attempts: 3,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            ..RetryPolicy::default()
        },
        ..Settings::default()
    }
}

/// Ranges from the first byte on, in parts of 16 KiB.
pub(crate) fn in_parts(settings: Settings) -> Settings {
    let ranges = RangeSettings { from_bytes: 1, part_bytes: 16 << 10, window: 3, slow_below: u64::MAX };
    Settings { ranges, ..settings }
}

pub(crate) fn source(text: &str) -> ImageSource {
    text.parse().unwrap()
}

pub(crate) async fn resolve(settings: Settings, text: &str) -> Result<(Registry, ResolvedImage), Error> {
    let registry = Registry::new(settings)?;
    let image = registry.resolve(&source(text), &Platform::linux_amd64()).await?;
    Ok((registry, image))
}

pub(crate) async fn read(mut stream: LayerStream) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        assert!(!chunk.is_empty());
        bytes.extend_from_slice(&chunk);
        assert_eq!(stream.position(), bytes.len() as u64);
    }
    assert_eq!(stream.size(), bytes.len() as u64);
    Ok(bytes)
}

/// Resolves `app:v1` there and reads its first layer.
pub(crate) async fn pull(settings: Settings, host: &str) -> Result<Vec<u8>, Error> {
    let (registry, image) = resolve(settings, &format!("{host}/app:v1")).await?;
    read(registry.fetch_layer(&image, &image.manifest.layers[0]).await?).await
}

/// The error's own words and those of everything below it.
pub(crate) fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[track_caller]
pub(crate) fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> String {
    let error = result.expect_err("it should have failed");
    assert_eq!(error.kind(), kind, "{}", words(&error));
    words(&error)
}
