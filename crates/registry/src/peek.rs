//! A look at the first or last bytes of a layer, to guess its unpacked size before anything is fetched.

use bytes::{Bytes, BytesMut};
use model::LayerDescriptor;

use crate::image::Origin;
use crate::stream::{self, FileReader};
use crate::{Error, Fault, Registry, ResolvedImage};

/// Which end of a layer, and how many bytes of it; cut to [`Registry::PEEK_LIMIT`] and to the layer's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek {
    /// That many of its first bytes.
    First(u16),
    /// That many of its last bytes.
    Last(u16),
}

impl Peek {
    /// The stretch in a layer of that length.
    fn stretch(self, size: u64) -> (u64, u64) {
        let most = |bytes: u16| u64::from(bytes).min(Registry::PEEK_LIMIT).min(size);
        match self {
            Self::First(bytes) => (0, most(bytes)),
            Self::Last(bytes) => (size - most(bytes), size),
        }
    }
}

impl Registry {
    /// The most bytes of one look.
    pub const PEEK_LIMIT: u64 = 4096;

    /// A few bytes of a layer by a ranged request, under the rules of [`Registry::fetch_layer`]; `None` where the server does
    /// not serve ranges and the bytes stand at the end. Nobody has checked that they are the blob's.
    ///
    /// # Errors
    /// [`Error::FetchLayer`], after the retries of [`crate::RetryPolicy`].
    pub async fn peek_layer(
        &self,
        image: &ResolvedImage,
        layer: &LayerDescriptor,
        peek: Peek,
    ) -> Result<Option<Bytes>, Error> {
        let (from, end) = peek.stretch(layer.size.as_u64());
        if from == end {
            return Ok(Some(Bytes::new()));
        }
        let looked = match &image.origin {
            Origin::Remote(remote) => Box::pin(stream::peek(&remote.layer(layer), from, end)).await,
            Origin::Layout(layout) => match layout.layer(layer).await {
                Ok(file) => read(file.part(from, end)).await.map(Some),
                Err(fault) => Err(fault),
            },
            Origin::Archive(archive) => match archive.layer(layer) {
                Ok(file) => read(file.part(from, end)).await.map(Some),
                Err(fault) => Err(fault),
            },
        };
        looked.map_err(|fault| Error::FetchLayer {
            image: image.source.clone(),
            digest: layer.digest,
            fault: Box::new(fault),
        })
    }
}

async fn read(mut file: FileReader) -> Result<Bytes, Fault> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = file.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::Peek;

    #[test]
    fn a_look_stays_within_the_layer_and_the_limit() {
        assert_eq!(Peek::First(18).stretch(100), (0, 18));
        assert_eq!(Peek::Last(8).stretch(100), (92, 100));
        assert_eq!(Peek::Last(8).stretch(5), (0, 5));
        assert_eq!(Peek::First(u16::MAX).stretch(1 << 40), (0, 4096));
        assert_eq!(Peek::Last(8).stretch(0), (0, 0));
    }
}
