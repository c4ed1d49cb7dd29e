//! Bytes on their way to one write, in memory that begins on a page.

/// What direct input and output demand of memory on every file system, and more than that.
const PAGE: usize = 4096;

/// Up to [`SIZE`](Self::SIZE) bytes, one behind the other. The first lies on a page's beginning.
#[derive(Debug, Default)]
pub struct WriteBuffer {
    space: Vec<u8>,
    begin: usize,
    len: usize,
}

impl WriteBuffer {
    /// Bytes gathered before a write: large enough that system calls do not count, small enough to stay in the CPU's cache.
    pub const SIZE: usize = 1 << 20;

    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let space = vec![0; Self::SIZE + PAGE];
        // It may say that there is no such place. Then the memory is not aligned, which costs time alone.
        let begin = Some(space.as_ptr().align_offset(PAGE)).filter(|begin| *begin <= PAGE).unwrap_or(0);
        Self { space, begin, len: 0 }
    }

    /// What it has.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.space[self.begin..self.begin + self.len]
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds bytes, for which there must be room.
    pub(crate) fn put(&mut self, data: &[u8]) {
        self.added(data.len()).copy_from_slice(data);
    }

    /// Adds so many zeros, for which there must be room.
    pub(crate) fn put_zeros(&mut self, count: usize) {
        self.added(count).fill(0);
    }

    /// Forgets what it has.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    fn added(&mut self, count: usize) -> &mut [u8] {
        let from = self.begin + self.len;
        self.len += count;
        &mut self.space[from..from + count]
    }
}
