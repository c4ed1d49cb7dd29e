//! Where the bytes of a regular file lie.

use crate::BLOCK_SIZE;

/// Number of the device that holds a run: the image's own file, or one of its extra [`Device`](crate::Device)s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(u16);

impl DeviceIndex {
    /// The image itself.
    pub const PRIMARY: Self = Self(0);

    /// The extra device at `position` (from 0) of the list given to the writer; `None` over the format's 65,535.
    #[must_use]
    pub fn extra(position: usize) -> Option<Self> {
        u16::try_from(position).ok()?.checked_add(1).map(Self)
    }

    /// 0 for the image itself, else one more than the position in the list of devices.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    pub(crate) fn from_number(number: u16) -> Self {
        Self(number)
    }
}

/// The content of a regular file: its size, and the runs of blocks it consists of.
///
/// Made by [`FileWriter::finish`](crate::FileWriter::finish), read from an image, or put on a device by
/// [`FileContent::on_device`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent(pub(crate) Repr);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repr {
    /// One run of blocks, or no run if the size is 0.
    Single { device: DeviceIndex, block: u32, size: u64 },
    /// Zeros only.
    Hole { size: u64 },
    /// Several runs; all boundaries but the end are multiples of the chunk size.
    Mapped(Box<Mapped>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) size: u64,
    /// Binary logarithm of the chunk's bytes, 12 or more.
    pub(crate) chunk_bits: u8,
    pub(crate) runs: Vec<Run>,
}

/// Address that stands for a hole (`EROFS_NULL_ADDR`).
pub(crate) const HOLE: u32 = u32::MAX;

/// A run of blocks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Blocks in the run; the file's last run may end inside its last block.
    pub blocks: u64,
    /// Where they lie.
    pub source: RunSource,
}

/// Where a run lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunSource {
    /// Nowhere: zeros.
    Hole,
    /// From a block of a device on.
    Blocks {
        /// The device.
        device: DeviceIndex,
        /// The first block.
        start: u32,
    },
}

impl FileContent {
    /// The empty file.
    pub const EMPTY: Self = Self(Repr::Single { device: DeviceIndex::PRIMARY, block: 0, size: 0 });

    /// `size` bytes from block `start` of `device` on.
    #[must_use]
    pub fn on_device(device: DeviceIndex, start: u32, size: u64) -> Self {
        if size == 0 { Self::EMPTY } else { Self(Repr::Single { device, block: start, size }) }
    }

    /// `size` zeros that take no space.
    #[must_use]
    pub fn hole(size: u64) -> Self {
        if size == 0 { Self::EMPTY } else { Self(Repr::Hole { size }) }
    }

    /// The file's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.0 {
            Repr::Single { size, .. } | Repr::Hole { size } => *size,
            Repr::Mapped(mapped) => mapped.size,
        }
    }

    /// The runs in the file's order; none for the empty file.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        match &self.0 {
            Repr::Single { size: 0, .. } => Vec::new(),
            Repr::Single { device, block, size } => {
                let source = RunSource::Blocks { device: *device, start: *block };
                vec![Run { blocks: size.div_ceil(BLOCK_SIZE), source }]
            }
            Repr::Hole { size } => vec![Run { blocks: size.div_ceil(BLOCK_SIZE), source: RunSource::Hole }],
            Repr::Mapped(mapped) => mapped.runs.clone(),
        }
    }

    /// The same content, seen from an image in which the blob that now holds it is `device`.
    #[must_use]
    pub fn relocated(&self, device: DeviceIndex) -> Self {
        let mut moved = self.clone();
        match &mut moved.0 {
            Repr::Single { size: 0, .. } | Repr::Hole { .. } => {}
            Repr::Single { device: old, .. } => *old = device,
            Repr::Mapped(mapped) => {
                for run in &mut mapped.runs {
                    if let RunSource::Blocks { device: old, .. } = &mut run.source {
                        *old = device;
                    }
                }
            }
        }
        moved
    }

    /// Whether any run lies on an extra device.
    pub(crate) fn is_beyond_primary(&self) -> bool {
        let is_extra =
            |source| matches!(source, RunSource::Blocks { device, .. } if device != DeviceIndex::PRIMARY);
        self.runs().iter().any(|run| is_extra(run.source))
    }

    /// Whether the kernel can represent the size (`loff_t`).
    pub(crate) fn has_valid_size(&self) -> bool {
        i64::try_from(self.size()).is_ok()
    }
}
