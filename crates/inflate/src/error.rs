//! What can be wrong with a stream.

use std::fmt;

/// Why a stream cannot be inflated. The decoder stays failed: later steps return the same error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The stream does not begin with the two magic bytes of gzip.
    HeaderMagic,
    /// The header names a compression method other than DEFLATE.
    HeaderMethod(u8),
    /// The header has reserved flags set.
    HeaderFlags(u8),
    /// The header's own checksum does not match.
    HeaderChecksum,
    /// The header is longer than the caller's limit in bytes.
    HeaderLimit(u32),
    /// After the last member comes something that is neither a member nor zero padding.
    TrailingGarbage,
    /// A block has the reserved type 3.
    BlockType,
    /// The two lengths of a stored block contradict each other.
    StoredLength,
    /// A block announces more than 286 literal/length or 30 distance symbols.
    SymbolCount,
    /// The code of the code lengths is over-subscribed or incomplete.
    CodeLengthCode,
    /// Code lengths repeat a length before the first, or run past the last.
    CodeLengthRepeat,
    /// A block's code has no end-of-block symbol.
    NoEndOfBlock,
    /// The literal/length code is over-subscribed or incomplete.
    LiteralLengthCode,
    /// The distance code is over-subscribed or incomplete.
    DistanceCode,
    /// A literal/length symbol that no code stands for, or a reserved one.
    LiteralLengthSymbol,
    /// A distance symbol that no code stands for, or a reserved one.
    DistanceSymbol,
    /// A match reaches back beyond the start of the member's output.
    DistanceTooFar,
    /// The member's CRC-32 is not that of its content.
    Checksum {
        /// What the trailer says.
        expected: u32,
        /// What was computed.
        actual: u32,
    },
    /// The member's length (modulo 2^32) is not that of its content.
    Length {
        /// What the trailer says.
        expected: u32,
        /// What was counted.
        actual: u32,
    },
    /// The output is larger than the caller's limit in bytes.
    OutputLimit(u64),
    /// The input ended within a member, or there was none.
    Truncated,
}

/// What a caller does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The stream is not what it claims to be: reading it again from the same bytes will not help.
    Corrupt,
    /// More bytes were needed than came: the transfer may have been cut.
    Truncated,
    /// A limit that the caller set was reached.
    Limit,
}

impl Error {
    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Truncated => ErrorKind::Truncated,
            Self::OutputLimit(_) | Self::HeaderLimit(_) => ErrorKind::Limit,
            _ => ErrorKind::Corrupt,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderMagic => f.write_str(
                "failed to read the gzip header: the stream does not begin with gzip's magic bytes",
            ),
            Self::HeaderMethod(method) => {
                write!(f, "failed to read the gzip header: unknown compression method {method}")
            }
            Self::HeaderFlags(flags) => {
                write!(f, "failed to read the gzip header: reserved flags are set ({flags:#04x})")
            }
            Self::HeaderChecksum => {
                f.write_str("failed to verify the gzip header: its checksum does not match")
            }
            Self::HeaderLimit(limit) => {
                write!(f, "failed to read the gzip header: it is longer than the limit of {limit} bytes")
            }
            Self::TrailingGarbage => f.write_str(
                "failed to read the next gzip member: what follows is neither a member nor zero padding",
            ),
            Self::Checksum { expected, actual } => {
                write!(f, "failed to verify the gzip member: crc-32 {actual:08x} instead of {expected:08x}")
            }
            Self::Length { expected, actual } => {
                write!(
                    f,
                    "failed to verify the gzip member: length {actual} instead of {expected} (modulo 2^32)"
                )
            }
            Self::OutputLimit(limit) => {
                write!(
                    f,
                    "failed to inflate the stream: the output is larger than the limit of {limit} bytes"
                )
            }
            Self::Truncated => f.write_str("failed to inflate the stream: the input ended too early"),
            deflate => write!(f, "failed to inflate the stream: {}", deflate.defect()),
        }
    }
}

impl Error {
    fn defect(&self) -> &'static str {
        match self {
            Self::BlockType => "reserved block type",
            Self::StoredLength => "contradicting lengths of a stored block",
            Self::SymbolCount => "too many literal/length or distance symbols",
            Self::CodeLengthCode => "invalid code of the code lengths",
            Self::CodeLengthRepeat => "invalid repeat of a code length",
            Self::NoEndOfBlock => "no code for the end of the block",
            Self::LiteralLengthCode => "invalid literal/length code",
            Self::DistanceCode => "invalid distance code",
            Self::LiteralLengthSymbol => "invalid literal/length symbol",
            Self::DistanceSymbol => "invalid distance symbol",
            Self::DistanceTooFar => "distance beyond the start of the output",
            _ => "invalid data",
        }
    }
}

impl std::error::Error for Error {}
