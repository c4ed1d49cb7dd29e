//! Headers, trailers, members, limits.

use inflate::{Check, DeflateDecoder, Error, ErrorKind, GzipDecoder, Options, OutputBuffer, Status};

use crate::support::{gunzip, gzip, prose};

fn plain(stream: &[u8]) -> Result<Vec<u8>, Error> {
    let whole = gunzip(stream, &[], 4096, Options::default());
    // The same, a byte at a time.
    assert_eq!(gunzip(stream, &[1], 4096, Options::default()), whole);
    whole
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A member of `abc` with the given flags and bytes of optional fields.
fn member(flags: u8, fields: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255];
    stream.extend_from_slice(fields);
    if flags & 2 != 0 {
        let checksum = crc(&stream) as u16;
        stream.extend_from_slice(&checksum.to_le_bytes());
    }
    stream.extend_from_slice(&gzip(b"abc", 6)[10..]);
    stream
}

#[test]
fn optional_header_fields() {
    let extra = b"\x05\x00extra";
    let empty_extra = b"\x00\x00";
    let (name, comment) = (b"name\0", b"comment\0");
    assert_eq!(plain(&member(0, b"")), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(1, b"")), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(4, extra)), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(4, empty_extra)), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(8, name)), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(8, b"\0")), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(16, comment)), Ok(b"abc".to_vec()));
    assert_eq!(plain(&member(2, b"")), Ok(b"abc".to_vec()));
    let all = [&extra[..], name, comment].concat();
    assert_eq!(plain(&member(31, &all)), Ok(b"abc".to_vec()));
}

#[test]
fn header_checksum_is_verified() {
    let good = member(2, b"");
    for at in [10, 11] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(plain(&bad), Err(Error::HeaderChecksum));
    }
}

#[test]
fn wrong_headers() {
    let good = gzip(b"abc", 6);
    let with = |at: usize, value: u8| {
        let mut bad = good.clone();
        bad[at] = value;
        plain(&bad)
    };
    assert_eq!(with(0, 0x1e), Err(Error::HeaderMagic));
    assert_eq!(with(1, 0x8c), Err(Error::HeaderMagic));
    assert_eq!(with(2, 7), Err(Error::HeaderMethod(7)));
    for bit in [0x20, 0x40, 0x80] {
        assert_eq!(with(3, bit), Err(Error::HeaderFlags(bit)));
    }
    assert_eq!(plain(b"<html>not found</html>"), Err(Error::HeaderMagic));
}

#[test]
fn endless_header_is_bounded() {
    let options = Options { max_header: 1000, ..Options::default() };
    for flag in [8, 16] {
        let mut stream = vec![0x1f, 0x8b, 8, flag, 0, 0, 0, 0, 0, 255];
        stream.resize(5000, b'x');
        assert_eq!(gunzip(&stream, &[], 4096, options), Err(Error::HeaderLimit(1000)));
    }
    let name = [&vec![b'x'; 989][..], &[0]].concat();
    assert_eq!(gunzip(&member(8, &name), &[], 4096, options), Ok(b"abc".to_vec()));
    let name = [&vec![b'x'; 990][..], &[0]].concat();
    assert_eq!(gunzip(&member(8, &name), &[], 4096, options), Err(Error::HeaderLimit(1000)));
}

#[test]
fn trailers_are_verified() {
    let good = gzip(b"abc", 6);
    let len = good.len();
    let mut bad = good.clone();
    bad[len - 8] ^= 1;
    let expected = crc(b"abc") ^ 1;
    assert_eq!(plain(&bad), Err(Error::Checksum { expected, actual: crc(b"abc") }));
    let unchecked = Options { check: Check::LengthOnly, ..Options::default() };
    assert_eq!(gunzip(&bad, &[], 4096, unchecked), Ok(b"abc".to_vec()));
    let mut bad = good;
    bad[len - 4] = 4;
    assert_eq!(plain(&bad), Err(Error::Length { expected: 4, actual: 3 }));
    assert_eq!(gunzip(&bad, &[], 4096, unchecked), Err(Error::Length { expected: 4, actual: 3 }));
}

#[test]
fn members_follow_one_another() {
    let (first, second) = (prose(50_000, 1), prose(70_000, 2));
    let stream = [gzip(&first, 9), gzip(b"", 6), gzip(&second, 1), gzip(b"", 6)].concat();
    assert_eq!(plain(&stream), Ok([first, second].concat()));
}

#[test]
fn a_member_does_not_reach_into_the_one_before() {
    let first = gzip(&[b'a'; 100], 6);
    // A fixed block whose first symbol is a match of three bytes, one back.
    let content =
        crate::support::BitWriter::default().bits(1, 1).bits(1, 2).fixed(257).code(0, 5).fixed(256).done();
    let mut second = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    second.extend(content);
    second.extend_from_slice(&crc(b"aaa").to_le_bytes());
    second.extend_from_slice(&3_u32.to_le_bytes());
    assert_eq!(plain(&[first, second].concat()), Err(Error::DistanceTooFar));
}

#[test]
fn what_follows_the_last_member() {
    let good = gzip(b"abc", 6);
    let with = |tail: &[u8]| plain(&[&good[..], tail].concat());
    assert_eq!(with(&[0]), Ok(b"abc".to_vec()));
    assert_eq!(with(&[0; 1000]), Ok(b"abc".to_vec()));
    assert_eq!(with(b"garbage"), Err(Error::TrailingGarbage));
    assert_eq!(with(b"\x1fgarbage"), Err(Error::TrailingGarbage));
    assert_eq!(with(b"\0\0\0garbage"), Err(Error::TrailingGarbage));
    assert_eq!(with(&[&[0][..], &good].concat()), Err(Error::TrailingGarbage));
    assert_eq!(with(b"\x1f"), Err(Error::Truncated));
}

#[test]
fn truncated_at_every_byte() {
    let stream = [gzip(&prose(900, 3), 6), member(31, b"\x02\x00xxname\0comment\0")].concat();
    let first = gzip(&prose(900, 3), 6).len();
    for len in (0..stream.len()).filter(|len| *len != first) {
        let error = plain(&stream[..len]).unwrap_err();
        assert_eq!(error, Error::Truncated, "after {len} bytes");
        assert_eq!(error.kind(), ErrorKind::Truncated);
    }
}

#[test]
fn output_limit() {
    let bytes = vec![0; 10_000_000];
    let stream = gzip(&bytes, 9);
    let exact = Options { max_output: bytes.len() as u64, ..Options::default() };
    assert!(gunzip(&stream, &[], 100_000, exact) == Ok(bytes));
    let tight = Options { max_output: 9_999_999, ..Options::default() };
    assert_eq!(gunzip(&stream, &[], 100_000, tight), Err(Error::OutputLimit(9_999_999)));

    let small = Options { max_output: 1_000_000, ..Options::default() };
    let mut decoder = GzipDecoder::new(small, OutputBuffer::with_capacity(100_000));
    let mut input = &stream[..];
    let error = loop {
        match decoder.decode(&mut input) {
            Ok(status) => assert_eq!(status, Status::OutputFull),
            Err(error) => break error,
        }
        decoder.take_output(OutputBuffer::with_capacity(100_000));
    };
    assert_eq!((error, error.kind()), (Error::OutputLimit(1_000_000), ErrorKind::Limit));
    assert!(decoder.total_output() <= 1_100_000, "a bomb is stopped within a buffer of the limit");
}

#[test]
fn an_error_stays() {
    let mut decoder = GzipDecoder::new(Options::default(), OutputBuffer::with_capacity(4096));
    assert_eq!(decoder.decode(&mut &b"xy"[..]), Err(Error::HeaderMagic));
    assert_eq!(decoder.decode(&mut &gzip(b"abc", 6)[..]), Err(Error::HeaderMagic));
    assert_eq!(decoder.finish().unwrap_err(), Error::HeaderMagic);
    let mut decoder = DeflateDecoder::new(OutputBuffer::with_capacity(4096));
    assert_eq!(decoder.decode(&mut &[7][..]), Err(Error::BlockType));
    assert_eq!(decoder.decode(&mut &[3, 0][..]), Err(Error::BlockType));
    assert_eq!(decoder.finish().unwrap_err(), Error::BlockType);
}

#[test]
fn taken_buffers_may_be_changed_and_vary_in_size() {
    let bytes = prose(1_000_000, 5);
    let stream = gzip(&bytes, 6);
    let mut decoder = GzipDecoder::new(Options::default(), OutputBuffer::with_capacity(5000));
    let mut all = Vec::new();
    let mut input = &stream[..];
    for turn in 0_usize.. {
        let status = decoder.decode(&mut input).unwrap();
        // A buffer with old content of its own: none of it may show.
        let mut dirty = GzipDecoder::new(Options::default(), OutputBuffer::with_capacity(3000 * (turn % 40)));
        dirty.decode(&mut &gzip(&[0xaa; 100_000], 1)[..]).unwrap();
        let dirty = dirty.take_output(OutputBuffer::with_capacity(0));
        let taken = decoder.take_output(dirty);
        all.extend_from_slice(taken.as_slice());
        if status == Status::NeedInput {
            break;
        }
    }
    assert!(decoder.finish().unwrap().is_empty());
    assert!(all == bytes);
}

#[test]
fn nothing_at_all_is_truncated() {
    assert_eq!(plain(b""), Err(Error::Truncated));
}
