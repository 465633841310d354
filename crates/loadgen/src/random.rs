//! Deterministic randomness: the same seed gives the same numbers on every run.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: "Fast splittable
//! pseudorandom number generators", 2014): one multiply-xor chain per number,
//! and forks are independent enough for telemetry. Not for secrets.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Rng(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

impl Rng {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(GOLDEN)))
    }

    /// Another stream, which depends on this one's state and on `label` only; this one does not move.
    #[must_use]
    pub fn fork(&self, label: u64) -> Self {
        Self(mix(self.0 ^ mix(label.wrapping_add(GOLDEN))))
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in `0..n`; 0 when `n` is 0. The bias of the multiply-shift is below 2^-32 for the sizes used here.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `lo..hi`.
    pub fn between(&mut self, lo: u64, hi: u64) -> u64 {
        lo + self.below(hi.saturating_sub(lo))
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `of`, each as likely.
    ///
    /// # Panics
    /// When `of` is empty.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// Waiting time of a Poisson process, in the unit of `mean`.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// A skewed positive number around `median`; `sigma` 0.3 is tame, 1.0 has a long tail.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        // Irwin-Hall with 4 uniforms: close to normal, and no rejection loop.
        let normal = (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.732;
        median * (sigma * normal).exp()
    }

    /// 16 random bytes, never all zero.
    pub fn trace_id(&mut self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&(self.next_u64() | 1).to_be_bytes());
        out[8..].copy_from_slice(&self.next_u64().to_be_bytes());
        out
    }

    /// 8 random bytes, never all zero.
    pub fn span_id(&mut self) -> [u8; 8] {
        (self.next_u64() | 1).to_be_bytes()
    }
}

/// Ranks `0..n` with probability proportional to `1 / (rank + 1)^s`.
#[derive(Debug, Clone)]
pub struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    /// The distribution over `n` ranks (at least one) with exponent `s`.
    pub fn new(n: usize, s: f64) -> Self {
        let mut sum = 0.0;
        let cumulative = (1..=n.max(1))
            .map(|rank| {
                sum += (rank as f64).powf(-s);
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// One rank.
    pub fn sample(&self, rng: &mut Rng) -> usize {
        let last = self.cumulative.len() - 1;
        let x = rng.unit() * self.cumulative[last];
        self.cumulative.partition_point(|&c| c <= x).min(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_forks_differ() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert_eq!(a.next_u64(), b.next_u64());
        assert_ne!(a.fork(1).next_u64(), a.fork(2).next_u64());
        assert_eq!(a.fork(1).next_u64(), b.fork(1).next_u64());
    }

    #[test]
    fn distributions_have_their_shape() {
        let mut rng = Rng::new(1);
        let mean = (0..10_000).map(|_| rng.exponential(5.0)).sum::<f64>() / 10_000.0;
        assert!((4.7..5.3).contains(&mean), "{mean}");
        let zipf = Zipf::new(20, 1.0);
        let mut counts = [0u32; 20];
        for _ in 0..10_000 {
            counts[zipf.sample(&mut rng)] += 1;
        }
        assert!(counts[0] > 2_300 && counts[19] > 50 && counts[19] < 300, "{counts:?}");
        assert!((0..10_000).map(|_| rng.between(3, 9)).all(|n| (3..9).contains(&n)));
    }
}
