//! A buffer that lies where a disk can take it from: see [`Disk::create_direct`](super::Disk::create_direct).

use super::BLOCK_BYTES;

/// Bytes that begin at a multiple of [`BLOCK_BYTES`] in memory. Its capacity is fixed; memory is taken as it is filled.
pub struct AlignedBuffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
    capacity: usize,
}

impl AlignedBuffer {
    /// An empty buffer of `capacity` bytes, rounded up to whole blocks.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1).next_multiple_of(BLOCK_BYTES);
        let bytes = vec![0; capacity + BLOCK_BYTES];
        // The vector never grows, so its bytes stay where they are.
        let start = bytes.as_ptr().addr().next_multiple_of(BLOCK_BYTES) - bytes.as_ptr().addr();
        Self { bytes, start, len: 0, capacity }
    }

    /// Appends as much of `bytes` as there is room for; returns the rest.
    pub fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(bytes.len().min(self.room()));
        let at = self.start + self.len;
        self.bytes[at..at + taken.len()].copy_from_slice(taken);
        self.len += taken.len();
        rest
    }

    /// How many bytes it still takes.
    pub fn room(&self) -> usize {
        self.capacity - self.len
    }

    /// What it holds.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_fits_from_an_aligned_place() {
        let mut buffer = AlignedBuffer::new(5000);
        assert_eq!(buffer.room(), 8192);
        assert_eq!(buffer.fill(&[1; 8000]), b"");
        assert_eq!(buffer.fill(&[2; 200]), [2; 8]);
        assert_eq!(buffer.as_slice().as_ptr().addr() % BLOCK_BYTES, 0);
        assert_eq!(buffer.as_slice(), [[1; 8000].as_slice(), &[2; 192]].concat());
        buffer.clear();
        assert_eq!((buffer.room(), buffer.as_slice()), (8192, &[][..]));
    }
}
