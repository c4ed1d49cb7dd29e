//! Tars written block by block, so that every oddity and every lie can be written.

/// A tar being written.
#[derive(Clone, Default)]
pub struct Tape(pub Vec<u8>);

/// A header being written.
#[derive(Clone)]
pub struct Header(pub [u8; 512]);

impl Header {
    /// A ustar header of mode 0644 (0755 for directories), owner 0:0, time 1,000,000,000.
    pub fn new(path: &[u8], flag: u8, size: u64) -> Self {
        let mut header = Self([0; 512]);
        header.0[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
        header.0[156] = flag;
        header.0[257..265].copy_from_slice(b"ustar\x0000");
        header.octal(100, 8, if flag == b'5' { 0o755 } else { 0o644 });
        header.octal(108, 8, 0).octal(116, 8, 0).octal(124, 12, size).octal(136, 12, 1_000_000_000);
        header
    }

    /// Writes an octal field.
    pub fn octal(&mut self, at: usize, len: usize, value: u64) -> &mut Self {
        self.bytes(at, format!("{value:0width$o}\0", width = len - 1).as_bytes())
    }

    /// Writes a base-256 field.
    pub fn base256(&mut self, at: usize, len: usize, value: i64) -> &mut Self {
        let fill = if value < 0 { 0xff } else { 0 };
        let mut field = vec![fill; len];
        let bytes = value.to_be_bytes();
        let n = len.min(8);
        field[len - n..].copy_from_slice(&bytes[8 - n..]);
        field[0] |= 0x80;
        self.bytes(at, &field)
    }

    /// Writes bytes.
    pub fn bytes(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub fn mode(&mut self, mode: u64) -> &mut Self {
        self.octal(100, 8, mode)
    }

    pub fn link(&mut self, target: &[u8]) -> &mut Self {
        self.bytes(157, target)
    }

    pub fn device(&mut self, major: u64, minor: u64) -> &mut Self {
        self.octal(329, 8, major).octal(337, 8, minor)
    }

    /// GNU's magic in place of ustar's.
    pub fn gnu(&mut self) -> &mut Self {
        self.bytes(257, b"ustar  \0")
    }

    /// The block with its checksum.
    pub fn block(&mut self) -> [u8; 512] {
        self.0[148..156].fill(b' ');
        let sum: u32 = self.0.iter().map(|b| u32::from(*b)).sum();
        self.bytes(148, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

impl Tape {
    pub fn new() -> Self {
        Self::default()
    }

    /// A header with its content, padded.
    pub fn entry(mut self, header: &mut Header, content: &[u8]) -> Self {
        self.0.extend_from_slice(&header.block());
        self.padded(content)
    }

    /// Content with its padding.
    pub fn padded(mut self, content: &[u8]) -> Self {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(&mut Header::new(path.as_bytes(), b'0', content.len() as u64), content)
    }

    pub fn dir(self, path: &str) -> Self {
        self.entry(&mut Header::new(path.as_bytes(), b'5', 0), b"")
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(Header::new(path.as_bytes(), b'2', 0).link(target.as_bytes()), b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(Header::new(path.as_bytes(), b'1', 0).link(target.as_bytes()), b"")
    }

    /// An extended header of these records before the next entry.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        self.extension(b'x', &pax_records(records))
    }

    pub fn global_pax(self, records: &[(&str, &[u8])]) -> Self {
        self.extension(b'g', &pax_records(records))
    }

    /// An extension header of a type with raw content.
    pub fn extension(self, flag: u8, content: &[u8]) -> Self {
        let header = &mut Header::new(b"././@LongLink", flag, content.len() as u64);
        self.entry(if matches!(flag, b'L' | b'K') { header.gnu() } else { header }, content)
    }

    /// The tar with its two end blocks.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// Records of an extended header.
pub fn pax_records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + rest.to_string().len();
        length = rest + length.to_string().len();
        out.extend_from_slice(format!("{length} {key}=").as_bytes());
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    out
}
