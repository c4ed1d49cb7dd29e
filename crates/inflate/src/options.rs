//! What a caller chooses, and what a step of decoding answers.

/// How the content of a gzip member is verified against its trailer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Check {
    /// CRC-32 and length.
    #[default]
    Crc,
    /// Only the length. For callers that verify the output by a stronger digest anyway: a layer's diff id makes the
    /// CRC-32 redundant, and it costs about a tenth of inflating.
    LengthOnly,
}

/// Options of a [`GzipDecoder`](crate::GzipDecoder).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How the content is verified against the trailers.
    pub check: Check,
    /// Most bytes of output over all members; beyond it decoding fails with
    /// [`Error::OutputLimit`](crate::Error::OutputLimit). The check is made once per step, so up to one
    /// buffer more may have been decoded by then (it is not handed out).
    pub max_output: u64,
    /// Most bytes of one member's header (its optional fields have no bound of their own in the format).
    pub max_header: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { check: Check::Crc, max_output: u64::MAX, max_header: 128 * 1024 }
    }
}

/// Why a step of decoding returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The input is used up: call again with the next chunk, or `finish` when there is none.
    NeedInput,
    /// The output buffer is full: take it, then call again with the rest of the same input.
    OutputFull,
}
