//! Streams made to break a decoder. It must end, without a panic, and agree with flate2 about what is valid.

use flate2::FlushCompress;
use inflate::Options;

use crate::support::{deflate, gunzip, gzip, inflate_raw, oracle, prose};

fn agrees(stream: &[u8], cuts: &[usize], capacity: usize) {
    let ours = inflate_raw(stream, cuts, capacity);
    let theirs = oracle(stream);
    assert_eq!(ours.is_ok(), theirs.is_some(), "{ours:?}");
    if let (Ok(ours), Some(theirs)) = (ours, theirs) {
        assert!(ours == theirs);
    }
}

#[test]
fn any_bytes() {
    bolero::check!().with_type::<(Vec<u8>, u8)>().for_each(|(stream, cut)| {
        agrees(stream, &[usize::from(*cut)], 2000);
        let _ = gunzip(stream, &[usize::from(*cut)], 2000, Options::default());
    });
}

#[test]
fn damaged_streams() {
    let streams: Vec<Vec<u8>> = [(1, 3000), (6, 40_000), (9, 500)]
        .iter()
        .map(|&(level, len)| deflate(&[&prose(len, len as u64)], level, FlushCompress::None))
        .collect();
    bolero::check!().with_type::<(u8, Vec<(u16, u8)>, u16)>().for_each(|(which, damage, cut)| {
        let mut stream = streams[usize::from(*which) % streams.len()].clone();
        for (at, bits) in damage.iter().take(4) {
            let at = usize::from(*at) % stream.len();
            stream[at] ^= bits;
        }
        agrees(&stream, &[usize::from(*cut)], 3000);
    });
}

#[test]
fn any_dynamic_head() {
    // Behind a valid beginning, so that more of the tries come as far as the codes.
    bolero::check!().with_type::<(u16, Vec<u8>)>().for_each(|(counts, rest)| {
        let mut stream =
            crate::support::BitWriter::default().bits(1, 1).bits(2, 2).bits(u32::from(*counts), 14);
        for byte in rest {
            stream = stream.bits(u32::from(*byte), 8);
        }
        agrees(&stream.done(), &[], 2000);
    });
}

#[test]
fn every_bit_flipped() {
    let bytes = prose(700, 4);
    for level in [1, 6] {
        let stream = gzip(&bytes, level);
        for bit in 0..stream.len() * 8 {
            let mut damaged = stream.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let result = gunzip(&damaged, &[], 4096, Options::default());
            assert_eq!(gunzip(&damaged, &[3], 1500, Options::default()).is_ok(), result.is_ok());
            // The CRC catches whatever DEFLATE did not; only fields without meaning and the bits that fill up the
            // last byte before the trailer may change.
            if let Ok(result) = result {
                assert!(result == bytes);
                let byte = bit / 8;
                let free = bit == 24 || (4..10).contains(&byte) || byte == stream.len() - 9;
                assert!(free, "bit {bit} made no difference");
            }
        }
    }
}

#[test]
fn truncated_raw_streams_agree() {
    let stream = deflate(&[&prose(2000, 8)], 6, FlushCompress::None);
    for len in 0..stream.len() {
        assert_eq!(inflate_raw(&stream[..len], &[], 4096), Err(inflate::Error::Truncated));
        assert_eq!(inflate_raw(&stream[..len], &[5], 1500), Err(inflate::Error::Truncated));
    }
    assert!(inflate_raw(&stream, &[], 4096).is_ok());
}
