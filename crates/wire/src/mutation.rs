//! Seeded mutation of samples, for the tests that decoders survive any bytes, here and on the floors above.

/// A small generator of numbers (xorshift64*).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n.max(1)
    }
}

/// Shows `target` every prefix of the samples and `rounds` mutated copies.
pub fn run(target: fn(&[u8]), samples: &[Vec<u8>], rounds: usize) {
    for sample in samples {
        (0..sample.len()).for_each(|end| target(&sample[..end]));
    }
    let mut rng = Rng(0x5eed);
    for round in 0..rounds {
        let mut bytes = samples[round % samples.len()].clone();
        for _ in 0..=rng.below(4) {
            let at = rng.below(bytes.len());
            match rng.below(5) {
                0 if at < bytes.len() => bytes[at] = rng.next() as u8,
                1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.insert(at, [0, 0x7f, 0x80, 0xff, b'"', b'['][rng.below(6)]),
                _ => {
                    let piece = bytes[at..(at + rng.below(24)).min(bytes.len())].to_vec();
                    let to = rng.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        target(&bytes);
    }
}
