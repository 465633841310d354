//! A set of rows of one block.

/// One bit per row. Bits at and above `len` are always zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl Bitmap {
    pub(crate) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    pub(crate) fn all(len: usize) -> Self {
        let mut b = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        b.trim();
        b
    }

    /// The rows of `range`.
    pub(crate) fn range(len: usize, range: std::ops::Range<usize>) -> Self {
        let mut b = Self::none(len);
        for row in range {
            b.set(row);
        }
        b
    }

    /// The rows for which `hit` holds, asked in order: a word at a time.
    pub(crate) fn filled(len: usize, mut hit: impl FnMut(usize) -> bool) -> Self {
        let word = |w: usize| {
            let rows = w * 64..len.min(w * 64 + 64);
            rows.enumerate().fold(0, |word, (bit, row)| word | u64::from(hit(row)) << bit)
        };
        Self { words: (0..len.div_ceil(64)).map(word).collect(), len }
    }

    /// From words, lowest row first; surplus bits are dropped, missing words are zero.
    pub(crate) fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        words.resize(len.div_ceil(64), 0);
        let mut b = Self { words, len };
        b.trim();
        b
    }

    fn trim(&mut self) {
        let rest = self.len % 64;
        if rest != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << rest) - 1;
        }
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Adds a row; rows outside are ignored.
    pub(crate) fn set(&mut self, row: usize) {
        if row < self.len
            && let Some(w) = self.words.get_mut(row / 64)
        {
            *w |= 1 << (row % 64);
        }
    }

    pub(crate) fn and(&mut self, other: &Self) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= b;
        }
    }

    pub(crate) fn or(&mut self, other: &Self) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a |= b;
        }
    }

    pub(crate) fn not(&mut self) {
        for a in &mut self.words {
            *a = !*a;
        }
        self.trim();
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Of each of `rows`, which rise, its place among the rows that are in the set; `None` for those that are not.
    pub(crate) fn places(&self, rows: &[usize]) -> Vec<Option<usize>> {
        let (mut word, mut before) = (0, 0);
        let place = |row: &usize| {
            while word < row / 64 {
                before += self.words.get(word).map_or(0, |w| w.count_ones() as usize);
                word += 1;
            }
            let (w, bit) = (self.words.get(word).copied().unwrap_or_default(), 1u64 << (row % 64));
            (w & bit != 0).then(|| before + (w & (bit - 1)).count_ones() as usize)
        };
        rows.iter().map(place).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The rows in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(i, w)| {
            let mut w = *w;
            std::iter::from_fn(move || {
                if w == 0 {
                    return None;
                }
                let bit = w.trailing_zeros() as usize;
                w &= w - 1;
                Some(i * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bits_beyond_the_end() {
        let mut b = Bitmap::all(70);
        assert_eq!(b.iter().count(), 70);
        b.not();
        assert!(b.is_empty());
        b.set(70);
        b.set(69);
        b.set(3);
        assert_eq!(b.iter().collect::<Vec<_>>(), [3, 69]);
        b.not();
        assert_eq!(b.iter().count(), 68);
        for len in [0, 1, 64, 70, 128] {
            let thirds = Bitmap::filled(len, |row| row % 3 == 0);
            assert_eq!(thirds.iter().collect::<Vec<_>>(), (0..len).filter(|row| row % 3 == 0).collect::<Vec<_>>());
            assert_eq!(thirds.count(), len.div_ceil(3));
            let rows: Vec<usize> = (0..len + 2).step_by(2).collect();
            let places = rows.iter().map(|row| (row % 3 == 0 && *row < len).then_some(row / 3));
            assert_eq!(thirds.places(&rows), places.collect::<Vec<_>>());
        }
    }
}
