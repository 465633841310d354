//! Chunks of floats as Prometheus has them: differences of differences of times, XOR of values.
//!
//! Sources: Prometheus, "Chunks disk format"; Pelkonen et al., "Gorilla" (VLDB 2015). Prometheus's chunk differs from the
//! paper's in its head (16 bits of count, varints) and in the widths of the time classes. Only written: nobody sends
//! such chunks to us.

use super::bits::Bits;

/// The number of this encoding in `prometheus.Chunk`.
pub(super) const ENCODING: u64 = 1;

/// A chunk of samples (milliseconds and value), at most 65,535, rising in time.
pub(super) fn encode(samples: &[(i64, f64)]) -> Vec<u8> {
    debug_assert!(samples.len() <= usize::from(u16::MAX));
    let mut out = Bits::after((samples.len() as u16).to_be_bytes().to_vec());
    let mut xor = Xor { before: 0, leading: NO_WINDOW, trailing: 0 };
    let (mut t_before, mut delta_before) = (0i64, 0i64);
    for (i, (t, v)) in samples.iter().enumerate() {
        let delta = t.wrapping_sub(t_before);
        match i {
            0 => {
                out.varint((t << 1 ^ t >> 63) as u64);
                out.write(v.to_bits(), 64);
                xor.before = v.to_bits();
            }
            1 => {
                out.varint(delta as u64);
                xor.write(&mut out, *v);
            }
            _ => {
                time_class(&mut out, delta.wrapping_sub(delta_before));
                xor.write(&mut out, *v);
            }
        }
        (t_before, delta_before) = (*t, delta);
    }
    out.into_bytes()
}

/// The difference of two differences, in the narrowest class that holds it.
fn time_class(out: &mut Bits, change: i64) {
    let fits = |bits: u32| (-(1 << (bits - 1)) + 1..=1 << (bits - 1)).contains(&change);
    match change {
        0 => out.write(0, 1),
        _ if fits(14) => out.prefixed(0b10, 2, change as u64, 14),
        _ if fits(17) => out.prefixed(0b110, 3, change as u64, 17),
        _ if fits(20) => out.prefixed(0b1110, 4, change as u64, 20),
        _ => out.prefixed(0b1111, 4, change as u64, 64),
    }
}

/// More leading zeroes than there are bits: no window was written yet.
const NO_WINDOW: u32 = 255;

/// The value before, and the window of bits that differed last.
struct Xor {
    before: u64,
    leading: u32,
    trailing: u32,
}

impl Xor {
    fn write(&mut self, out: &mut Bits, value: f64) {
        let xor = value.to_bits() ^ self.before;
        self.before = value.to_bits();
        if xor == 0 {
            return out.write(0, 1);
        }
        // Five bits hold the count.
        let (leading, trailing) = (xor.leading_zeros().min(31), xor.trailing_zeros());
        if self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing {
            let bits = 64 - self.leading - self.trailing;
            return out.prefixed(0b10, 2, xor >> self.trailing, bits);
        }
        (self.leading, self.trailing) = (leading, trailing);
        let bits = 64 - leading - trailing;
        out.prefixed(0b11, 2, u64::from(leading), 5);
        // Six bits cannot hold 64; 0 stands for it, as no window is empty.
        out.write(u64::from(bits & 63), 6);
        out.write(xor >> trailing, bits);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a chunk, written from the format's description, without looking at the writer.
    struct Chunk<'a>(&'a [u8], usize);

    impl Chunk<'_> {
        fn bits(&mut self, count: usize) -> u64 {
            (0..count).fold(0, |value, _| {
                let bit = self.0[self.1 / 8] >> (7 - self.1 % 8) & 1;
                self.1 += 1;
                value << 1 | u64::from(bit)
            })
        }

        fn varint(&mut self) -> u64 {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = self.bits(8);
                value |= (byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return value;
                }
            }
        }

        fn change(&mut self) -> i64 {
            for width in [14, 17, 20] {
                if width == 14 && self.bits(1) == 0 {
                    return 0;
                }
                if self.bits(1) == 0 {
                    let value = self.bits(width);
                    return if value > 1 << (width - 1) { value as i64 - (1 << width) } else { value as i64 };
                }
            }
            self.bits(64) as i64
        }

        fn samples(mut self) -> Vec<(i64, u64)> {
            let count = self.bits(16);
            let (mut t, mut delta, mut v, mut window) = (0i64, 0i64, 0u64, (0, 0));
            (0..count)
                .map(|i| {
                    match i {
                        0 => {
                            let zigzag = self.varint();
                            t = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
                            v = self.bits(64);
                            return (t, v);
                        }
                        1 => delta = self.varint() as i64,
                        _ => delta = delta.wrapping_add(self.change()),
                    }
                    t = t.wrapping_add(delta);
                    if self.bits(1) == 1 {
                        if self.bits(1) == 1 {
                            let leading = self.bits(5) as usize;
                            let width = match self.bits(6) as usize {
                                0 => 64,
                                n => n,
                            };
                            window = (width, 64 - leading - width);
                        }
                        v ^= self.bits(window.0) << window.1;
                    }
                    (t, v)
                })
                .collect()
        }
    }

    proptest! {
        #[test]
        fn chunks_read_back(
            start in any::<i64>(),
            steps in prop::collection::vec((prop_oneof![0..20_000i64, 0..3_000_000_000i64, 990..1010i64], any::<u64>()), 0..130),
            repeat in any::<bool>(),
        ) {
            let mut t = start / 2;
            let samples: Vec<(i64, f64)> = steps.iter().map(|(step, bits)| {
                t += step;
                (t, if repeat { (bits % 7) as f64 / 4.0 } else { f64::from_bits(*bits) })
            }).collect();
            let expected: Vec<_> = samples.iter().map(|(t, v)| (*t, v.to_bits())).collect();
            prop_assert_eq!(Chunk(&encode(&samples), 0).samples(), expected);
        }
    }
}
