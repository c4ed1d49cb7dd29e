//! Writes tar entries: ustar, with PAX records for what ustar cannot hold.
//!
//! Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header". Written apart from the code under
//! test, so that the two can disagree.

use super::{Entry, EntryKind};

const BLOCK: usize = 512;
/// The largest number that seven octal digits hold: modes, owners, devices.
const SEVEN_OCTAL: u64 = 0o777_7777;

/// Appends an entry, with its PAX header before it where it needs one.
pub(super) fn append(tar: &mut Vec<u8>, entry: &Entry) {
    let records = pax_records(entry);
    if !records.is_empty() {
        let header = Header {
            path: b"PaxHeaders/entry",
            link: b"",
            kind: b'x',
            mode: 0o644,
            owner: (0, 0),
            size: records.len() as u64,
            mtime: 0,
            device: (0, 0),
        };
        tar.extend_from_slice(&header.encode());
        append_padded(tar, &records);
    }
    let (kind, link, content, device) = match &entry.kind {
        EntryKind::File(content) => (b'0', &[][..], content.as_slice(), (0, 0)),
        EntryKind::HardLink(target) => (b'1', target.as_slice(), &[][..], (0, 0)),
        EntryKind::Symlink(target) => (b'2', target.as_slice(), &[][..], (0, 0)),
        EntryKind::CharDevice(major, minor) => (b'3', &[][..], &[][..], (*major, *minor)),
        EntryKind::BlockDevice(major, minor) => (b'4', &[][..], &[][..], (*major, *minor)),
        EntryKind::Directory => (b'5', &[][..], &[][..], (0, 0)),
        EntryKind::Fifo => (b'6', &[][..], &[][..], (0, 0)),
    };
    let header = Header {
        path: &entry.path,
        link,
        kind,
        mode: entry.mode,
        owner: (entry.uid, entry.gid),
        size: content.len() as u64,
        mtime: u64::try_from(entry.mtime.0).unwrap_or(0),
        device,
    };
    tar.extend_from_slice(&header.encode());
    append_padded(tar, content);
}

fn append_padded(tar: &mut Vec<u8>, content: &[u8]) {
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
}

struct Header<'a> {
    path: &'a [u8],
    link: &'a [u8],
    kind: u8,
    mode: u32,
    owner: (u64, u64),
    size: u64,
    mtime: u64,
    device: (u32, u32),
}

impl Header<'_> {
    /// What does not fit is cut off: the PAX record before it says it in full.
    fn encode(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block[0..100], self.path);
        octal(&mut block[100..108], u64::from(self.mode));
        octal(&mut block[108..116], self.owner.0.min(SEVEN_OCTAL));
        octal(&mut block[116..124], self.owner.1.min(SEVEN_OCTAL));
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], self.mtime);
        block[148..156].fill(b' ');
        block[156] = self.kind;
        put(&mut block[157..257], self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut block[329..337], u64::from(self.device.0));
        octal(&mut block[337..345], u64::from(self.device.1));
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        let checksum = format!("{sum:06o}\0 ");
        block[148..156].copy_from_slice(checksum.as_bytes());
        block
    }
}

fn put(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}");
    put(&mut field[..digits], text.as_bytes());
}

fn pax_records(entry: &Entry) -> Vec<u8> {
    let mut records = Vec::new();
    if entry.path.len() > 100 {
        record(&mut records, "path", &entry.path);
    }
    if let EntryKind::HardLink(target) | EntryKind::Symlink(target) = &entry.kind
        && target.len() > 100
    {
        record(&mut records, "linkpath", target);
    }
    for (key, value) in [("uid", entry.uid), ("gid", entry.gid)] {
        if value > SEVEN_OCTAL {
            record(&mut records, key, value.to_string().as_bytes());
        }
    }
    let (seconds, nanoseconds) = entry.mtime;
    if seconds < 0 || nanoseconds != 0 {
        record(&mut records, "mtime", decimal_time(seconds, nanoseconds).as_bytes());
    }
    for (name, value) in &entry.xattrs {
        record(&mut records, &format!("SCHILY.xattr.{name}"), value);
    }
    for (key, value) in &entry.pax {
        record(&mut records, key, value);
    }
    records
}

/// Nanoseconds count forward from the second also before 1970, in decimals they count backward: -2 s and 0.25 s is -1.75.
fn decimal_time(seconds: i64, nanoseconds: u32) -> String {
    let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    let sign = if total < 0 { "-" } else { "" };
    let (whole, part) = (total.abs() / 1_000_000_000, total.abs() % 1_000_000_000);
    format!("{sign}{whole}.{part:09}")
}

/// The length stands first and counts itself.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        let mut records = Vec::new();
        record(&mut records, "path", &[b'a'; 89]);
        // 89 + "path" + blank, equals, newline = 96, and two digits make 98.
        assert!(records.starts_with(b"98 path=a"));
        assert_eq!(records.len(), 98);
        records.clear();
        record(&mut records, "path", &[b'a'; 92]);
        assert!(records.starts_with(b"102 path=a"));
        assert_eq!(records.len(), 102);
    }

    #[test]
    fn a_time_before_1970_counts_backward() {
        assert_eq!(decimal_time(-2, 250_000_000), "-1.750000000");
        assert_eq!(decimal_time(5, 1), "5.000000001");
    }
}
