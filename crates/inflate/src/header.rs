//! The header of a gzip member (RFC 1952, 2.3), byte by byte.

use crate::bits::Bits;
use crate::crc::Crc;
use crate::error::Error;

pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
/// Magic, method, flags, time, extra flags, operating system.
const FIXED_LEN: u32 = 10;

const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

#[derive(Debug, Clone, Copy)]
enum Field {
    /// The fixed part.
    Fixed,
    /// First and second byte of the extra field's length.
    ExtraLength {
        low: Option<u8>,
    },
    Extra {
        left: u16,
    },
    Name,
    Comment,
    /// The header's checksum; `high` is the second byte that must follow, known once the first was right.
    Checksum {
        high: Option<u8>,
    },
    Done,
}

/// A member's header that is being read. Its fields say nothing that the content needs, so none is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    field: Field,
    flags: u8,
    read: u32,
    limit: u32,
    crc: Crc,
}

impl Header {
    pub(crate) fn new(limit: u32) -> Self {
        Self { field: Field::Fixed, flags: 0, read: 0, limit, crc: Crc::new() }
    }

    /// Reads on; `true` when the header is complete.
    pub(crate) fn read(&mut self, bits: &mut Bits, input: &mut &[u8]) -> Result<bool, Error> {
        while !matches!(self.field, Field::Done) {
            let Some(byte) = bits.byte(input) else { return Ok(false) };
            if self.read == self.limit {
                return Err(Error::HeaderLimit(self.limit));
            }
            let checksum = self.crc.value() as u16;
            self.crc.update(&[byte]);
            self.field = self.accept(byte, checksum)?;
            self.read += 1;
        }
        Ok(true)
    }

    /// The field that the next byte belongs to; `checksum` is that of all bytes before this one.
    fn accept(&mut self, byte: u8, checksum: u16) -> Result<Field, Error> {
        Ok(match self.field {
            Field::Fixed => {
                self.fixed(byte)?;
                if self.read + 1 == FIXED_LEN { self.after(0) } else { Field::Fixed }
            }
            Field::ExtraLength { low: None } => Field::ExtraLength { low: Some(byte) },
            Field::ExtraLength { low: Some(low) } => match u16::from_le_bytes([low, byte]) {
                0 => self.after(EXTRA),
                left => Field::Extra { left },
            },
            Field::Extra { left: 0 | 1 } => self.after(EXTRA),
            Field::Extra { left } => Field::Extra { left: left - 1 },
            Field::Name if byte == 0 => self.after(NAME),
            Field::Comment if byte == 0 => self.after(COMMENT),
            Field::Name => Field::Name,
            Field::Comment => Field::Comment,
            // Both bytes are compared with what stood before the first of them.
            Field::Checksum { high: None } if byte == checksum as u8 => {
                Field::Checksum { high: Some((checksum >> 8) as u8) }
            }
            Field::Checksum { high: Some(high) } if byte == high => Field::Done,
            Field::Checksum { .. } => return Err(Error::HeaderChecksum),
            Field::Done => Field::Done,
        })
    }

    fn fixed(&mut self, byte: u8) -> Result<(), Error> {
        match self.read {
            0 | 1 if byte != MAGIC[self.read as usize] => Err(Error::HeaderMagic),
            2 if byte != DEFLATE => Err(Error::HeaderMethod(byte)),
            3 if byte & RESERVED != 0 => Err(Error::HeaderFlags(byte)),
            3 => {
                self.flags = byte;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The first field behind that of flag `done` (0 for the fixed part) that the flags announce.
    fn after(&self, done: u8) -> Field {
        let order = [
            (EXTRA, Field::ExtraLength { low: None }),
            (NAME, Field::Name),
            (COMMENT, Field::Comment),
            (HEADER_CRC, Field::Checksum { high: None }),
        ];
        let begin = order.iter().position(|(flag, _)| *flag == done).map_or(0, |at| at + 1);
        order[begin..]
            .iter()
            .find(|(flag, _)| self.flags & flag != 0)
            .map_or(Field::Done, |(_, field)| *field)
    }
}
