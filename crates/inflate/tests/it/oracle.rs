//! What flate2 compresses comes back, however it is cut.

use flate2::FlushCompress;
use inflate::{Check, Options};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{deflate, gunzip, gzip, inflate_raw, prose};

fn content() -> impl Strategy<Value = Vec<u8>> {
    let runs = vec((any::<u8>(), 1..2000_usize), 0..40)
        .prop_map(|runs| runs.into_iter().flat_map(|(byte, len)| std::iter::repeat_n(byte, len)).collect());
    // Periods up to beyond the farthest distance.
    let periodic = (vec(any::<u8>(), 1..300), 1..400_usize, 0..120_usize)
        .prop_map(|(period, times, shift)| period.repeat(times).into_iter().skip(shift).collect());
    let far = (vec(any::<u8>(), 1..5000), 0..33_000_usize).prop_map(|(mark, gap)| {
        let mut bytes = mark.clone();
        bytes.extend(prose(gap, gap as u64));
        bytes.extend(mark);
        bytes
    });
    prop_oneof![
        vec(any::<u8>(), 0..20_000),
        vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], 0..20_000),
        (0..200_000_usize, any::<u64>()).prop_map(|(len, seed)| prose(len, seed)),
        runs,
        periodic,
        far,
    ]
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![]),
        Just(vec![1]),
        vec(1..40_usize, 1..8),
        vec(1..5000_usize, 1..8),
        vec(prop_oneof![1..4_usize, 10..20_usize, 500..70_000_usize], 1..10),
    ]
}

fn capacity() -> impl Strategy<Value = usize> {
    prop_oneof![0..3000_usize, 30_000..70_000_usize, Just(1 << 18)]
}

fn flush() -> impl Strategy<Value = FlushCompress> {
    prop_oneof![
        Just(FlushCompress::None),
        Just(FlushCompress::Partial),
        Just(FlushCompress::Sync),
        Just(FlushCompress::Full)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn raw_round_trip(
        bytes in content(), level in 0..=9_u32, flush in flush(), part in 1..50_000_usize, cuts in cuts(),
        capacity in capacity(),
    ) {
        let parts: Vec<&[u8]> = bytes.chunks(part).collect();
        let stream = deflate(&parts, level, flush);
        prop_assert_eq!(inflate_raw(&stream, &cuts, capacity), Ok(bytes));
    }

    #[test]
    fn gzip_round_trip(
        members in vec((content(), 0..=9_u32), 1..4), cuts in cuts(), capacity in capacity(), zeros in 0..600_usize,
    ) {
        let mut stream = Vec::new();
        for (bytes, level) in &members {
            stream.extend(gzip(bytes, *level));
        }
        stream.resize(stream.len() + zeros, 0);
        let all: Vec<u8> = members.into_iter().flat_map(|(bytes, _)| bytes).collect();
        let unchecked = Options { check: Check::LengthOnly, ..Options::default() };
        prop_assert_eq!(gunzip(&stream, &cuts, capacity, unchecked), Ok(all.clone()));
        prop_assert_eq!(gunzip(&stream, &cuts, capacity, Options::default()), Ok(all));
    }
}

#[test]
fn megabytes_at_every_level() {
    let bytes = prose(3 << 20, 7);
    for level in 0..=9 {
        let stream = gzip(&bytes, level);
        let out = gunzip(&stream, &[65_536], 256 << 10, Options::default()).unwrap();
        assert!(out == bytes, "level {level}");
    }
}
