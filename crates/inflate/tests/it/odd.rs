//! Streams that encoders do not write, made by hand; each is also given to flate2, which must agree.

use inflate::Error;

use crate::support::{BitWriter, inflate_raw, oracle, prose};

/// Our answer, for any cut, once flate2 agreed.
fn both(stream: &[u8]) -> Result<Vec<u8>, Error> {
    let ours = inflate_raw(stream, &[], 70_000);
    assert_eq!(ours.clone().ok(), oracle(stream), "flate2 (right) disagrees");
    for cut in [1, 2, 7, 17] {
        assert_eq!(inflate_raw(stream, &[cut], 1000), ours);
    }
    // With input to spare the fast loop sees all of it.
    let padded = [stream, &[0x55; 64]].concat();
    assert_eq!(inflate_raw(&padded, &[], 70_000).ok(), oracle(&padded));
    if ours != Err(Error::Truncated) {
        assert_eq!(inflate_raw(&padded, &[], 70_000), ours);
    }
    ours
}

fn fixed() -> BitWriter {
    BitWriter::default().bits(1, 1).bits(1, 2)
}

fn lengths(count: usize, set: &[(usize, u8)]) -> Vec<u8> {
    let mut lengths = vec![0; count];
    for &(symbol, len) in set {
        lengths[symbol] = len;
    }
    lengths
}

#[test]
fn stored_blocks() {
    let long = prose(65_535, 9);
    let stream = BitWriter::default()
        .stored(false, b"")
        .stored(false, b"one")
        .stored(false, &long)
        .bits(0, 1)
        .bits(1, 2)
        .fixed(256)
        .stored(true, b"two")
        .done();
    assert_eq!(both(&stream), Ok([b"one", &long[..], b"two"].concat()));
    let mut wrong = BitWriter::default().stored(true, b"abc").done();
    wrong[3] ^= 1;
    assert_eq!(both(&wrong), Err(Error::StoredLength));
    assert_eq!(both(&BitWriter::default().stored(true, b"").done()), Ok(vec![]));
}

#[test]
fn empty_blocks() {
    let mut stream = BitWriter::default();
    for _ in 0..1000 {
        stream = stream.bits(0, 1).bits(1, 2).fixed(256);
    }
    assert_eq!(both(&stream.bits(1, 1).bits(1, 2).fixed(256).done()), Ok(vec![]));
}

#[test]
fn reserved_things() {
    assert_eq!(both(&BitWriter::default().bits(1, 1).bits(3, 2).done()), Err(Error::BlockType));
    for symbol in [286, 287] {
        let stream = fixed().fixed(65).fixed(symbol).code(0, 5).fixed(256).done();
        assert_eq!(both(&stream), Err(Error::LiteralLengthSymbol));
    }
    for symbol in [30, 31] {
        let stream = fixed().fixed(65).fixed(257).code(symbol, 5).fixed(256).done();
        assert_eq!(both(&stream), Err(Error::DistanceSymbol));
    }
}

#[test]
fn longest_matches_and_distances() {
    // 258 has two spellings: its own symbol, and symbol 284 with all extra bits set.
    let stream = fixed().fixed(65).fixed(285).code(0, 5).fixed(284).bits(31, 5).code(0, 5).fixed(256).done();
    assert_eq!(both(&stream), Ok(vec![65; 517]));

    let history = prose(32_768, 11);
    let far = |distance: u32| {
        BitWriter::default()
            .stored(false, &history)
            .bits(1, 1)
            .bits(1, 2)
            .fixed(285)
            .code(29, 5)
            .bits(distance - 24_577, 13)
            .fixed(256)
            .done()
    };
    assert_eq!(both(&far(32_768)), Ok([&history[..], &history[..258]].concat()));
    assert_eq!(both(&far(32_767)), Ok([&history[..], &history[1..259]].concat()));
}

#[test]
fn distance_to_the_first_byte_and_beyond() {
    for (distance, extra) in [(4, 0), (4, 1)] {
        // Symbol 4 with its one extra bit: distances 5 and 6.
        let stream = fixed()
            .fixed(1)
            .fixed(2)
            .fixed(3)
            .fixed(4)
            .fixed(5)
            .fixed(257)
            .code(distance, 5)
            .bits(extra, 1)
            .fixed(256);
        let expected = if extra == 0 { Ok(vec![1, 2, 3, 4, 5, 1, 2, 3]) } else { Err(Error::DistanceTooFar) };
        assert_eq!(both(&stream.done()), expected);
    }
    assert_eq!(both(&fixed().fixed(257).code(0, 5).fixed(256).done()), Err(Error::DistanceTooFar));
}

#[test]
fn every_short_distance() {
    for distance in 1..=4_u32 {
        for length in 3..=10_u32 {
            let stream = fixed()
                .fixed(1)
                .fixed(2)
                .fixed(3)
                .fixed(4)
                .fixed(254 + length)
                .code(distance - 1, 5)
                .fixed(9)
                .fixed(256)
                .done();
            let mut expected = vec![1, 2, 3, 4];
            for i in 0..length as usize {
                expected.push(expected[4 - distance as usize + i]);
            }
            expected.push(9);
            assert_eq!(both(&stream), Ok(expected));
        }
    }
}

#[test]
fn codes_of_one_symbol() {
    // Only the end of the block, one bit.
    let only_end = lengths(257, &[(256, 1)]);
    let none = [0];
    assert_eq!(both(&BitWriter::default().dynamic(true, &only_end, &none).bits(0, 1).done()), Ok(vec![]));
    assert_eq!(
        both(&BitWriter::default().dynamic(true, &only_end, &none).bits(1, 1).aligned(&[0; 9]).done()),
        Err(Error::LiteralLengthSymbol)
    );
    // One distance of one bit; the other bit stands for nothing.
    let literals = lengths(258, &[(65, 2), (66, 2), (256, 2), (257, 2)]);
    let begin = BitWriter::default().dynamic(true, &literals, &[1]).code(0, 2).code(3, 2);
    assert_eq!(both(&begin.clone().bits(0, 1).code(2, 2).done()), Ok(vec![65; 4]));
    assert_eq!(both(&begin.bits(1, 1).code(2, 2).aligned(&[0; 9]).done()), Err(Error::DistanceSymbol));
    // No distance at all is fine until one is used.
    let begin = BitWriter::default().dynamic(true, &literals, &none).code(0, 2);
    assert_eq!(both(&begin.clone().code(2, 2).done()), Ok(vec![65]));
    assert_eq!(both(&begin.code(3, 2).aligned(&[0; 9]).done()), Err(Error::DistanceSymbol));
}

#[test]
fn wrong_codes() {
    let dynamic = |literals: &[(usize, u8)], distances: &[u8]| {
        both(&BitWriter::default().dynamic(true, &lengths(258, literals), distances).aligned(&[0; 16]).done())
    };
    // Incomplete.
    assert_eq!(dynamic(&[(256, 2)], &[1]), Err(Error::LiteralLengthCode));
    assert_eq!(dynamic(&[(65, 2), (66, 2), (256, 2)], &[1]), Err(Error::LiteralLengthCode));
    assert_eq!(dynamic(&[(65, 1), (256, 1)], &[2]), Err(Error::DistanceCode));
    assert_eq!(dynamic(&[(65, 1), (256, 1)], &[2, 2, 2]), Err(Error::DistanceCode));
    // Over-subscribed.
    assert_eq!(dynamic(&[(65, 1), (66, 1), (256, 1)], &[1]), Err(Error::LiteralLengthCode));
    assert_eq!(dynamic(&[(65, 1), (256, 1)], &[1, 1, 1]), Err(Error::DistanceCode));
    // Without an end.
    assert_eq!(dynamic(&[(65, 1), (66, 1)], &[1]), Err(Error::NoEndOfBlock));
}

#[test]
fn wrong_code_lengths() {
    let head = |literals: u32, distances: u32| {
        BitWriter::default().bits(1, 1).bits(2, 2).bits(literals - 257, 5).bits(distances - 1, 5)
    };
    assert_eq!(both(&head(287, 1).bits(15, 4).aligned(&[0; 20]).done()), Err(Error::SymbolCount));
    assert_eq!(both(&head(257, 31).bits(15, 4).aligned(&[0; 20]).done()), Err(Error::SymbolCount));
    // Four code length codes: 16, 17, 18, 0.
    let order = |lens: [u32; 4]| lens.iter().fold(head(257, 1).bits(0, 4), |out, len| out.bits(*len, 3));
    assert_eq!(both(&order([1, 1, 1, 0]).aligned(&[0; 20]).done()), Err(Error::CodeLengthCode));
    assert_eq!(both(&order([1, 0, 0, 0]).aligned(&[0; 20]).done()), Err(Error::CodeLengthCode));
    assert_eq!(both(&order([1, 2, 0, 0]).aligned(&[0; 20]).done()), Err(Error::CodeLengthCode));
    // Repeats the length before the first.
    assert_eq!(
        both(&order([1, 0, 0, 1]).code(1, 1).bits(0, 2).aligned(&[0; 9]).done()),
        Err(Error::CodeLengthRepeat)
    );
    // 138 zeros, twice: more than 258.
    let zeros = order([0, 0, 1, 1]).code(1, 1).bits(127, 7).code(1, 1).bits(127, 7);
    assert_eq!(both(&zeros.aligned(&[0; 9]).done()), Err(Error::CodeLengthRepeat));
    // No code length at all.
    assert!(both(&order([0, 0, 0, 0]).aligned(&[0; 200]).done()).is_err());
}

#[test]
fn codes_of_every_length() {
    // Literals with codes of 1 to 15 bits, which need subtables, and distances likewise.
    let mut literals = vec![0; 286];
    for (len, slot) in literals[..14].iter_mut().enumerate() {
        *slot = len as u8;
    }
    (literals[200], literals[256], literals[285]) = (15, 15, 14);
    let mut distances = vec![0; 30];
    for len in 1..=15 {
        distances[len - 1] = len as u8;
    }
    distances[15] = 15;
    let mut stream = BitWriter::default().stored(false, &prose(400, 1)).dynamic(true, &literals, &distances);
    let mut expected = prose(400, 1);
    // Codes by canon: length n is n-1 ones and a zero; then 14 bits: 285, 15 bits: 200 and 256.
    let ones = |n: u32| (1 << n) - 1;
    for len in 1..=13_u32 {
        stream = stream.code(ones(len) & !1, len).code(ones(14) << 1, 15);
        expected.extend([len as u8, 200]);
    }
    let bases = [1_usize, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193];
    for symbol in 0..16_u32 {
        let code = if symbol < 15 { (ones(symbol + 1) & !1, symbol + 1) } else { (ones(15), 15) };
        stream = stream.code(ones(13) << 1, 14).code(code.0, code.1).bits(0, (symbol / 2).saturating_sub(1));
        let from = expected.len() - bases[symbol as usize];
        for i in 0..258 {
            expected.push(expected[from + i]);
        }
    }
    assert_eq!(both(&stream.code(ones(15), 15).done()), Ok(expected));
}
