//! The window that a zstd frame asks for, read off its header before the decoder sees it (RFC 8878, 3.1.1.1).

/// The most bytes of a frame header: magic number, descriptor, dictionary id and content size (or window and both).
const LONGEST: usize = 18;

/// The first bytes of a frame, collected until they tell its window.
#[derive(Debug, Default)]
pub(super) struct FrameStart {
    bytes: [u8; LONGEST],
    len: usize,
}

impl FrameStart {
    /// Takes bytes from `input` until the window is known; `None` where more are needed. What is no frame
    /// of data (a skippable one, damage) takes no window; the decoder judges it.
    pub(super) fn window(&mut self, input: &mut &[u8]) -> Option<u64> {
        loop {
            let wanted = wanted(self.bytes());
            if self.len == wanted {
                return Some(window(self.bytes()));
            }
            let (first, rest) = input.split_first()?;
            self.bytes[self.len] = *first;
            self.len += 1;
            *input = rest;
        }
    }

    /// The bytes taken so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const SINGLE_SEGMENT: u8 = 1 << 5;

/// How many bytes tell the window of a frame that begins with these.
fn wanted(start: &[u8]) -> usize {
    match start {
        [a, b, c, d, descriptor, ..] if [*a, *b, *c, *d] == MAGIC => {
            5 + field_lengths(*descriptor).iter().sum::<usize>()
        }
        [a, b, c, d] if [*a, *b, *c, *d] != MAGIC => 4,
        _ => 5,
    }
}

/// Bytes of the window descriptor, of the dictionary id and of the content size.
fn field_lengths(descriptor: u8) -> [usize; 3] {
    let is_single = descriptor & SINGLE_SEGMENT != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content = match descriptor >> 6 {
        0 => usize::from(is_single),
        flag => 1 << flag,
    };
    [usize::from(!is_single), dictionary, content]
}

/// The window of a whole header: the content where it is one segment.
fn window(header: &[u8]) -> u64 {
    let [_, _, _, _, descriptor, fields @ ..] = header else { return 0 };
    let [of_window, of_dictionary, _] = field_lengths(*descriptor);
    if of_window == 1 {
        let (exponent, mantissa) = (fields[0] >> 3, u64::from(fields[0] & 7));
        let base = 1_u64 << (10 + exponent);
        return base + base / 8 * mantissa;
    }
    let mut content = [0; 8];
    let stored = &fields[of_dictionary..];
    content[..stored.len()].copy_from_slice(stored);
    // Two bytes count from 256.
    u64::from_le_bytes(content) + if stored.len() == 2 { 256 } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of(stream: &[u8]) -> (Option<u64>, usize) {
        let (mut start, mut input) = (FrameStart::default(), stream);
        let window = start.window(&mut input);
        assert_eq!(start.bytes(), &stream[..start.len]);
        (window, stream.len() - input.len())
    }

    #[test]
    fn what_the_library_writes_says_its_window() {
        for log in [10, 17, 20, 23, 27] {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.write_all(b"hello").unwrap();
            let stream = encoder.finish().unwrap();
            assert_eq!(of(&stream), (Some(1 << log), 6), "{log}");
        }
        for size in [0, 1, 255, 256, 300, 65_791, 65_792, 500_000] {
            let stream = zstd::bulk::compress(&vec![7; size], 1).unwrap();
            assert_eq!(of(&stream).0, Some(size as u64), "{size}");
        }
    }

    #[test]
    fn a_header_in_pieces_is_waited_for() {
        let stream = zstd::bulk::compress(&vec![7; 70_000], 1).unwrap();
        let mut start = FrameStart::default();
        for byte in &stream[..8] {
            assert_eq!(start.window(&mut &[*byte][..]), None);
        }
        assert_eq!(start.window(&mut &stream[8..]), Some(70_000));
    }

    #[test]
    fn other_frames_and_damage_take_none() {
        assert_eq!(of(&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), (Some(0), 4));
        assert_eq!(of(b"none"), (Some(0), 4));
    }

    #[test]
    fn every_descriptor_has_a_length_within_the_longest() {
        for descriptor in 0..=u8::MAX {
            let stream = [&MAGIC[..], &[descriptor], &[0xff; 13]].concat();
            let (window, taken) = of(&stream);
            assert!(window.is_some() && taken <= LONGEST, "{descriptor:#x}");
        }
    }
}
