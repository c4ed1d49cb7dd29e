use proptest::prelude::*;

use super::*;
use crate::Digest;

const GIB: u64 = 1 << 30;

fn gzip(served: u64, isize: u32) -> (Expected, Evidence) {
    let mut trailer = vec![0; 4];
    trailer.extend_from_slice(&isize.to_le_bytes());
    Evidence::of_served(Compression::Gzip, ByteSize::bytes(served), Some(&trailer))
}

fn layer(name: &[u8], compressed: u64, bytes: u64, is_here: bool) -> LayerPrediction {
    LayerPrediction {
        diff_id: DiffId::new(Digest::sha256(name)),
        digest: BlobDigest::new(Digest::sha256(name)),
        compression: Compression::Gzip,
        compressed: ByteSize::bytes(compressed),
        unpacked: Expected::Exact { bytes: ByteSize::bytes(bytes) },
        evidence: Evidence::Unpacked,
        is_here,
    }
}

fn image(name: &str, layers: Vec<LayerPrediction>) -> ImagePrediction {
    let digest = ManifestDigest::new(Digest::sha256(name.as_bytes()));
    ImagePrediction::new(name.parse().unwrap(), digest, "linux/amd64".parse().unwrap(), layers)
}

#[test]
fn what_was_unpacked_is_known_and_counts_the_larger_of_tar_and_blob() {
    let (expected, evidence) = Evidence::of_unpacked(ByteSize::bytes(10), ByteSize::bytes(12));
    assert_eq!((expected.likely().as_u64(), expected.is_exact(), evidence), (12, true, Evidence::Unpacked));
}

#[test]
fn a_trailer_of_a_common_layer_is_believed() {
    let (expected, evidence) = gzip(100 << 20, 260 << 20);
    assert_eq!((expected.low().as_u64(), evidence), (260 << 20, Evidence::GzipTrailer));
    assert!(expected.high().as_u64() < 330 << 20);
}

#[test]
fn a_trailer_that_wrapped_is_unwrapped() {
    // 6 GiB of tar in 2 GiB: the trailer says 2 GiB.
    let (expected, _) = gzip(2 * GIB + 5000, 2 * (GIB as u32));
    assert!(expected.low().as_u64() >= 2 * GIB, "{expected}");
    assert!((6 * GIB..7 * GIB).contains(&expected.likely().as_u64()), "{expected}");
}

#[test]
fn a_trailer_of_one_member_of_several_is_not_believed() {
    assert_eq!(gzip(50 << 20, 700).1, Evidence::Ratio);
    // Nor one that no DEFLATE stream can reach.
    assert_eq!(gzip(100, u32::MAX).1, Evidence::Ratio);
    assert_eq!(Evidence::of_served(Compression::Gzip, ByteSize::bytes(9), Some(b"abc")).1, Evidence::Ratio);
    assert_eq!(Evidence::of_served(Compression::Gzip, ByteSize::bytes(9), None).1, Evidence::Ratio);
}

#[test]
fn zeros_compress_a_thousandfold() {
    let (expected, evidence) = gzip(1 << 20, 1000 << 20);
    assert_eq!((expected.low().as_u64(), evidence), (1000 << 20, Evidence::GzipTrailer));
}

#[test]
fn a_zstd_frame_says_its_length_in_four_forms() {
    let of =
        |header: &[u8], served| Evidence::of_served(Compression::Zstd, ByteSize::bytes(served), Some(header));
    let frame = |rest: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd][..], rest].concat();
    for (rest, size) in [
        (&[0x20, 200][..], 200),
        (&[0x40, 0, 1, 0], 257),
        (&[0x80, 0, 0, 0, 16, 0], 1 << 20),
        (&[0xc1, 0, 7, 0, 0, 0, 0, 1, 0, 0, 0], 1 << 32),
    ] {
        let (expected, evidence) = of(&frame(rest), 100);
        assert_eq!((expected.low().as_u64(), evidence), (size, Evidence::ZstdHeader), "{rest:?}");
    }
    // No length, the first of many frames, cut, no frame.
    for (rest, served) in [(&[0x00, 0x58][..], 10), (&[0x20, 200], 100_000), (&[0xc0, 0], 10)] {
        assert_eq!(of(&frame(rest), served).1, Evidence::Ratio);
    }
    assert_eq!(of(b"none", 10).1, Evidence::Ratio);
}

#[test]
fn what_images_share_counts_once_and_what_is_here_is_not_fetched() {
    let base = layer(b"base", 100, 400, true);
    let one = image("one", vec![base.clone(), layer(b"one", 10, 30, false), layer(b"one", 10, 30, false)]);
    let two = image("two", vec![base, layer(b"two", 5, GIB, false)]);
    assert_eq!((one.totals.compressed.as_u64(), one.totals.here.as_u64()), (110, 100));
    let prediction = Prediction::new(vec![one, two]);
    let totals = prediction.totals;
    assert_eq!(totals.compressed.as_u64(), 115);
    assert_eq!((totals.here.as_u64(), totals.to_fetch.as_u64()), (100, 15));
    assert_eq!(totals.unpacked, Expected::Exact { bytes: ByteSize::bytes(430 + GIB) });
    assert_eq!((prediction.smallest_size_gib, prediction.suggested_size_gib), (2, 2));
}

proptest! {
    #[test]
    fn an_estimate_is_a_range_around_its_guess_and_no_less_than_what_is_served(
        served in 1..1_u64 << 50, seen in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
    ) {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let (expected, _) = Evidence::of_served(compression, ByteSize::bytes(served), seen.as_deref());
            prop_assert!(expected.low() <= expected.likely() && expected.likely() <= expected.high());
            prop_assert!(expected.low().as_u64() + served / 1000 + 64 >= served);
        }
    }

    #[test]
    fn the_true_length_of_a_member_lies_in_the_range_or_the_trailer_is_not_believed(
        served in 1..1_u64 << 34, ratio in 1_u64..8,
    ) {
        let tar = served * ratio;
        let (expected, evidence) = gzip(served, u32::try_from(tar % (1 << 32)).unwrap());
        prop_assert_eq!(evidence, Evidence::GzipTrailer);
        prop_assert!(expected.low().as_u64() <= tar && tar <= expected.high().as_u64(), "{}", expected);
    }
}
