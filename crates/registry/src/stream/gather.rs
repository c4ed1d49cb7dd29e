//! Small pieces made large: a server chooses how its bytes are cut, and may send each in a chunk of its own.

use bytes::{Bytes, BytesMut};

/// Pieces from this length on pass as they are.
const LARGE: usize = 16 << 10;
/// Smaller ones are copied together up to about this length.
const ENOUGH: usize = 64 << 10;

/// Pieces on their way to the reader, in order.
#[derive(Debug, Default)]
pub(super) struct Gather {
    small: BytesMut,
    /// Comes after `small`.
    large: Option<Bytes>,
}

impl Gather {
    /// Takes a piece. [`Gather::take`] must have nothing to give.
    pub(super) fn put(&mut self, piece: Bytes) {
        if piece.len() >= LARGE {
            self.large = Some(piece);
        } else {
            // Grown by need: a few bytes between two large pieces shall not hold a large buffer.
            self.small.extend_from_slice(&piece);
        }
    }

    /// The next piece, as soon as it is large enough or cannot become larger.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        if self.small.len() >= ENOUGH || (self.large.is_some() && !self.small.is_empty()) {
            return self.rest();
        }
        self.large.take()
    }

    /// At the end: what is left, however small.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        (!self.small.is_empty()).then(|| std::mem::take(&mut self.small).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(pieces: &[Bytes]) -> Vec<Bytes> {
        let mut gather = Gather::default();
        let mut out = Vec::new();
        for piece in pieces {
            gather.put(piece.clone());
            out.extend(std::iter::from_fn(|| gather.take()));
        }
        out.extend(gather.rest());
        out
    }

    #[test]
    fn bytes_one_by_one_come_in_large_pieces() {
        let whole: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let pieces: Vec<Bytes> = whole.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
        let out = through(&pieces);
        assert_eq!(out.concat(), whole);
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn large_pieces_are_not_copied_and_keep_their_place() {
        let large = Bytes::from(vec![7; LARGE]);
        let small = Bytes::from_static(b"small");
        let out = through(&[large.clone(), small.clone(), small, large.clone()]);
        assert_eq!(out.iter().map(Bytes::len).collect::<Vec<_>>(), [LARGE, 10, LARGE]);
        assert!(out[0].as_ptr() == large.as_ptr() && out[2].as_ptr() == large.as_ptr());
    }
}
