//! Luhn's sum, by which numbers of cards are told from others (ISO/IEC 7812-1, annex B).

/// Whether the sum of `digits` is right.
pub(crate) fn is_valid(digits: &[u32]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(n, d)| match (n % 2, d * 2) {
        (0, _) => *d,
        (_, twice) => twice / 10 + twice % 10,
    });
    weighed.sum::<u32>().is_multiple_of(10)
}
