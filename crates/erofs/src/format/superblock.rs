//! The superblock and the table of extra devices behind it.

use super::{BLOCK_BITS, BLOCK_LEN, Fields, put};
use crate::crc32c::crc32c;

/// Where the superblock begins in block 0.
pub(crate) const OFFSET: usize = 1024;
/// Bytes of the superblock without extension slots.
pub(crate) const SIZE: usize = 128;
/// Bytes of an extra device's slot (`struct erofs_deviceslot`).
pub(crate) const DEVICE_SLOT_SIZE: usize = 128;
/// The first slot that we use lies behind the superblock.
const FIRST_DEVICE_SLOT: u16 = ((OFFSET + SIZE) / DEVICE_SLOT_SIZE) as u16;
/// Bytes of a device's tag.
pub(crate) const TAG_LEN: usize = 64;

const MAGIC: u32 = 0xe0f5_e1e2;
const COMPAT_CHECKSUM: u32 = 0x1;
const COMPAT_MTIME: u32 = 0x2;
pub(crate) const INCOMPAT_CHUNKED_FILE: u32 = 0x4;
pub(crate) const INCOMPAT_DEVICE_TABLE: u32 = 0x8;
/// Zero padding of compressed data says nothing about uncompressed files; mkfs sets it by habit.
const INCOMPAT_HARMLESS: u32 = 0x1;

/// What we write and read of the superblock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Superblock {
    pub(crate) root_nid: u16,
    pub(crate) inodes: u64,
    pub(crate) build_time: i64,
    pub(crate) build_nanos: u32,
    pub(crate) blocks: u32,
    pub(crate) metadata_block: u32,
    pub(crate) xattr_block: u32,
    pub(crate) incompatible: u32,
    pub(crate) extra_devices: u16,
    pub(crate) device_slot: u16,
    /// As read; the writer computes it.
    pub(crate) checksum: Option<u32>,
}

/// An extra device as its slot describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceSlot {
    pub(crate) tag: [u8; TAG_LEN],
    pub(crate) blocks: u32,
}

/// Why bytes are not a superblock that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Magic(u32),
    BlockBits(u8),
    Features(u32),
}

impl Superblock {
    /// Block 0 and, if the devices need them, the blocks after it.
    pub(crate) fn encode(&self, devices: &[DeviceSlot]) -> Vec<u8> {
        let mut head = vec![0; head_len(devices.len())];
        let record = &mut head[OFFSET..];
        put(record, 0, &MAGIC.to_le_bytes());
        put(record, 8, &(COMPAT_CHECKSUM | COMPAT_MTIME).to_le_bytes());
        record[12] = BLOCK_BITS;
        put(record, 14, &self.root_nid.to_le_bytes());
        put(record, 16, &self.inodes.to_le_bytes());
        put(record, 24, &self.build_time.to_le_bytes());
        put(record, 32, &self.build_nanos.to_le_bytes());
        put(record, 36, &self.blocks.to_le_bytes());
        put(record, 40, &self.metadata_block.to_le_bytes());
        put(record, 44, &self.xattr_block.to_le_bytes());
        put(record, 80, &self.incompatible.to_le_bytes());
        if !devices.is_empty() {
            put(record, 86, &self.extra_devices.to_le_bytes());
            put(record, 88, &FIRST_DEVICE_SLOT.to_le_bytes());
        }
        for (slot, device) in record[SIZE..].chunks_exact_mut(DEVICE_SLOT_SIZE).zip(devices) {
            put(slot, 0, &device.tag);
            put(slot, TAG_LEN, &device.blocks.to_le_bytes());
        }
        let sum = crc32c(&head[OFFSET..BLOCK_LEN]);
        put(&mut head, OFFSET + 4, &sum.to_le_bytes());
        head
    }

    /// Reads the superblock's bytes.
    pub(crate) fn decode(bytes: &[u8; SIZE]) -> Result<Self, Unreadable> {
        let fields = Fields(bytes);
        if fields.u32(0) != MAGIC {
            return Err(Unreadable::Magic(fields.u32(0)));
        }
        if bytes[12] != BLOCK_BITS {
            return Err(Unreadable::BlockBits(bytes[12]));
        }
        let incompatible = fields.u32(80);
        let unknown = incompatible & !(INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE | INCOMPAT_HARMLESS);
        if unknown != 0 {
            return Err(Unreadable::Features(unknown));
        }
        let has_devices = incompatible & INCOMPAT_DEVICE_TABLE != 0;
        Ok(Self {
            root_nid: fields.u16(14),
            inodes: fields.u64(16),
            build_time: fields.u64(24) as i64,
            build_nanos: fields.u32(32),
            blocks: fields.u32(36),
            metadata_block: fields.u32(40),
            xattr_block: fields.u32(44),
            incompatible,
            extra_devices: if has_devices { fields.u16(86) } else { 0 },
            device_slot: fields.u16(88),
            checksum: (fields.u32(8) & COMPAT_CHECKSUM != 0).then(|| fields.u32(4)),
        })
    }
}

/// Bytes before the data of an image with `devices` extra devices, whole blocks.
pub(crate) fn head_len(devices: usize) -> usize {
    (OFFSET + SIZE + devices * DEVICE_SLOT_SIZE).next_multiple_of(BLOCK_LEN)
}

/// The checksum that block 0 should have.
pub(crate) fn checksum(block: &[u8; BLOCK_LEN]) -> u32 {
    let mut summed = *block;
    put(&mut summed, OFFSET + 4, &[0; 4]);
    crc32c(&summed[OFFSET..])
}
