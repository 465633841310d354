//! The words of texts, as full text search and the token filter see them.
//!
//! A *token* is a maximal run of ASCII letters, digits and `_`. A *word* is what
//! the query language takes for one: a maximal run of letters and digits of any
//! script, and `_`. A word of ASCII is a token; of others [`words`] finds the
//! whole, and [`tokens`] pieces, which a filter may hold without harm. Format of
//! the hash: `docs/formats/segment.md`.

const K1: u64 = 0x9e37_79b9_7f4a_7c15;
const K2: u64 = 0xbf58_476d_1ce4_e5b9;
/// Sets the bit that tells lower from upper case; digits have it, and no token byte collides with another.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// A token within the text it was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) from: usize,
    /// Exclusive.
    pub(crate) to: usize,
    /// Whether a digit is in it.
    pub(crate) digit: bool,
}

/// Calls `each` with every token of `text`, in order.
///
/// Bytes are classified eight at a time into masks of 64 bits: a branch per byte is mispredicted at every
/// token's end, which is most of the cost of the plain loop.
pub(crate) fn tokens(text: &[u8], mut each: impl FnMut(Token)) {
    // A token that reaches over the end of a chunk: where it began, and whether it has a digit yet.
    let mut open: Option<(usize, bool)> = None;
    for (n, chunk) in text.chunks(64).enumerate() {
        let base = n * 64;
        let (token, digit) = masks(chunk);
        let mut at = 0;
        while at < chunk.len() {
            let begin = match open.take() {
                Some(o) => o,
                None => {
                    let skip = (token >> at).trailing_zeros() as usize;
                    if skip >= chunk.len() - at {
                        break;
                    }
                    at += skip;
                    (base + at, false)
                }
            };
            let run = ((!token >> at).trailing_zeros() as usize).min(chunk.len() - at);
            let has = begin.1 || run > 0 && digit >> at << (64 - run) != 0;
            at += run;
            if at == chunk.len() {
                open = Some((begin.0, has));
            } else {
                each(Token { from: begin.0, to: base + at, digit: has });
            }
        }
    }
    if let Some((from, digit)) = open {
        each(Token { from, to: text.len(), digit });
    }
}

/// Which of at most 64 bytes belong to tokens, and which are digits; the first in the lowest bit.
fn masks(chunk: &[u8]) -> (u64, u64) {
    let (words, rest) = chunk.as_chunks::<8>();
    let (mut token, mut digit) = (0, 0);
    let mut put = |i: usize, (t, d): (u64, u64)| {
        token |= t << (8 * i);
        digit |= d << (8 * i);
    };
    words.iter().enumerate().for_each(|(i, word)| put(i, classify(u64::from_le_bytes(*word))));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        put(words.len(), classify(u64::from_le_bytes(last)));
    }
    (token, digit)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// The same of eight bytes, without a branch. The highest bit of each byte says whether it belongs.
fn classify(word: u64) -> (u64, u64) {
    // Below 128 no sum carries into the next byte.
    let low = word & !HIGH;
    let lower = low | (0x20 * ONES);
    let underscore = !((low ^ (u64::from(b'_') * ONES)) + 0x7f * ONES);
    let digit = within(low, b'0', b'9') & !word & HIGH;
    let letter = within(lower, b'a', b'z') & !word & HIGH;
    (pack(digit | letter | (underscore & !word & HIGH)), pack(digit))
}

/// In the highest bit of each of eight bytes below 128, whether it is one of `first..=last`.
fn within(bytes: u64, first: u8, last: u8) -> u64 {
    let from = bytes + u64::from(0x80 - first) * ONES;
    let beyond = bytes + u64::from(0x7f - last) * ONES;
    from & !beyond
}

/// The highest bits of eight bytes.
fn pack(bits: u64) -> u64 {
    // Brings bit 8 i to bit 56 + i.
    (bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Whether a character belongs to words.
pub(crate) fn is_in_words(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Calls `each` with every word of `text` that is not ASCII, folded. What is no UTF-8 ends a word.
pub(crate) fn words(text: &[u8], mut each: impl FnMut(&[u8])) {
    if text.is_ascii() {
        return;
    }
    let mut folded = String::new();
    for chunk in text.utf8_chunks() {
        for word in chunk.valid().split(|c| !is_in_words(c)).filter(|word| !word.is_ascii()) {
            folded.clear();
            folded.extend(word.chars().map(fold));
            each(folded.as_bytes());
        }
    }
}

/// A character without regard to case, as the filter knows it: the lower-case one of the upper-case one, so that a final
/// sigma is a sigma, where these are one character each.
pub(crate) fn fold(c: char) -> char {
    fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
        chars.next().filter(|_| chars.next().is_none())
    }
    only(c.to_uppercase()).and_then(|upper| only(upper.to_lowercase())).unwrap_or(c)
}

/// The hash of a token without regard to the case of its letters.
pub(crate) fn hash(token: &[u8]) -> u64 {
    hash_or(token, FOLD)
}

/// The same of any bytes as they are.
pub(crate) fn exact_hash(bytes: &[u8]) -> u64 {
    hash_or(bytes, 0)
}

/// The hash of bytes, these bits set in every eight of them.
fn hash_or(token: &[u8], bits: u64) -> u64 {
    let mut h = (token.len() as u64).wrapping_mul(K2);
    let mut words = token.chunks_exact(8);
    for w in &mut words {
        let w = u64::from_le_bytes(w.try_into().unwrap_or_default());
        h = (h.rotate_left(23) ^ (w | bits)).wrapping_mul(K1);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        h = (h.rotate_left(23) ^ (u64::from_le_bytes(last) | bits)).wrapping_mul(K1);
    }
    h = (h ^ h >> 32).wrapping_mul(K2);
    h ^ h >> 29
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(text: &[u8]) -> Vec<Token> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let in_token = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
            let len = text[at..].iter().take_while(in_token).count();
            if len > 0 {
                let digit = text[at..at + len].iter().any(u8::is_ascii_digit);
                out.push(Token { from: at, to: at + len, digit });
            }
            at += len + 1;
        }
        out
    }

    #[test]
    fn case_does_not_count_and_everything_else_does() {
        assert_eq!(hash(b"TimedOut_7"), hash(b"tIMEDoUT_7"));
        let words: [&[u8]; 9] = [b"a", b"aa", b"_", b"a_", b"abcdefgh", b"abcdefghi", b"abcdefgh_", b"0", b"abcdefgh0"];
        let mut hashes: Vec<u64> = words.iter().map(|w| hash(w)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), words.len());
        // The hash is part of the format.
        assert_eq!(hash(b"kittiwake"), 0x5b5d_345c_7284_80ea);
    }

    #[test]
    fn words_are_whole_whatever_their_script() {
        let mut found = Vec::new();
        words("Größe GROSS ÉTÉ_7, 北京 x\u{301}y αΣ".as_bytes(), |w| {
            found.push(String::from_utf8(w.to_vec()).unwrap())
        });
        assert_eq!(found, ["größe", "été_7", "北京", "ασ"]);
        words(b"plain \xffwords", |w| panic!("{w:?}"));
        words(b"\xc3\xa9\xffa", |w| assert_eq!(w, "é".as_bytes()));
    }

    proptest! {
        #[test]
        fn tokens_are_those_of_the_plain_loop(text in "[abzAZ019_/:@`{ .é-]{0,200}") {
            let mut found = Vec::new();
            tokens(text.as_bytes(), |t| found.push(t));
            prop_assert_eq!(found, naive(text.as_bytes()));
        }
    }
}
