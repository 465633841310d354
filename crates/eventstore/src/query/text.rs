//! Values as text, and search in text.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use model::Value;
use parking_lot::Mutex;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::filter::TextMatch;
use crate::block::TokenFilter;
use crate::column::binary::{Blob, Dictionary, Entries};
use crate::column::tokens::is_in_words;
use crate::column::{template, tokens};
use crate::error::QueryError;

/// A compiled pattern may be so large; guards memory against patterns like `(a{100}){100}`.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Compiles a pattern of the user's.
///
/// # Errors
/// When it is not a regular expression, or too large.
pub(super) fn pattern(pattern: &str) -> Result<Regex, QueryError> {
    build(pattern, false).map_err(|e| QueryError::Regex { pattern: pattern.to_owned(), message: e.to_string() })
}

/// Compiles the search for a fixed text without regard to case.
pub(super) fn ignoring_case(text: &str) -> Result<Regex, QueryError> {
    build(&regex::escape(text), true)
        .map_err(|e| QueryError::Regex { pattern: text.to_owned(), message: e.to_string() })
}

fn build(pattern: &str, ignore_case: bool) -> Result<Regex, regex::Error> {
    // The case of ASCII texts is that of ASCII: the few letters beyond it that fold to ASCII would
    // cost the search its vectorised prefilter.
    let unicode = !(ignore_case && pattern.is_ascii());
    RegexBuilder::new(pattern).case_insensitive(ignore_case).unicode(unicode).size_limit(REGEX_BYTES_MAX).build()
}

/// A search for tokens, a phrase or any part of a text.
#[derive(Debug)]
pub(crate) struct TextSearch {
    mode: TextMatch,
    /// The whole text, or for tokens each of them.
    parts: Vec<Regex>,
    /// What every match has; not all of its words need be among it.
    required: Required,
    /// See [`TextSearch::is_in_templates`].
    in_templates: bool,
    /// What is known of the entries of dictionaries, which the blocks of a segment share.
    known: Mutex<Vec<(Weak<Dictionary>, Arc<[AtomicU8]>)>>,
}

/// Of an entry that was not looked at yet.
const UNKNOWN: u8 = 0;
const MISS: u8 = 1;
const HIT: u8 = 2;

/// What every text with a match has: the hashes of tokens, and of words beyond ASCII (see [`tokens`]).
#[derive(Debug, Default, PartialEq, Eq)]
struct Required {
    tokens: Vec<u64>,
    words: Vec<u64>,
}

/// The hash by which a token filter knows a word beyond ASCII; `None` when a text can spell it so that the filter knows it by
/// another one.
fn word_hash(word: &str) -> Option<u64> {
    let folds_alike = |c: char| {
        let mut same = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        same.try_case_fold_simple().is_ok()
            && same.iter().all(|r| (r.start()..=r.end()).all(|other| tokens::fold(other) == tokens::fold(c)))
    };
    let folded: String = word.chars().map(tokens::fold).collect();
    word.chars().all(folds_alike).then(|| tokens::hash(folded.as_bytes()))
}

fn required(text: &str, mode: TextMatch) -> Required {
    let mut out = Required::default();
    let mut at = 0;
    for word in text.split(|c| !is_in_words(c)) {
        let (from, to) = (at, at + word.len());
        at = to + text[to..].chars().next().map_or(0, char::len_utf8);
        // What touches an end of a substring may go on beyond it.
        let whole = mode != TextMatch::Substring || from > 0 && to < text.len();
        // A search beyond ASCII folds `ſ` to `s` and the Kelvin sign to `k`; tokens are searched one by one.
        let folds = mode != TextMatch::Token && !text.is_ascii() && word.contains(['k', 'K', 's', 'S']);
        if !word.is_empty() && word.is_ascii() && whole && !folds {
            out.tokens.push(tokens::hash(word.as_bytes()));
        } else if !word.is_ascii() && whole {
            out.words.extend(word_hash(word));
        }
    }
    out
}

impl TextSearch {
    pub(super) fn new(text: &str, mode: TextMatch) -> Result<Self, QueryError> {
        let parts = match mode {
            TextMatch::Token => text
                .split(|c| !is_in_words(c))
                .filter(|t| !t.is_empty())
                .map(ignoring_case)
                .collect::<Result<_, _>>()?,
            TextMatch::Phrase | TextMatch::Substring => vec![ignoring_case(text)?],
        };
        // Words beyond ASCII reach over the tokens that templates know.
        let mut in_templates = mode != TextMatch::Substring && text.is_ascii();
        tokens::tokens(text.as_bytes(), |t| {
            in_templates &= !template::is_variable(&text.as_bytes()[t.from..t.to], t.digit);
        });
        Ok(Self { mode, parts, required: required(text, mode), in_templates, known: Mutex::default() })
    }

    /// Whether a text has a match if and only if its template has one: no word that is searched for can be a variable.
    pub(crate) fn is_in_templates(&self) -> bool {
        self.in_templates
    }

    /// Whether a column that the filter covers may have a match.
    pub(crate) fn may_match(&self, filter: &TokenFilter<'_>) -> bool {
        let Required { tokens, words } = &self.required;
        tokens.iter().all(|t| filter.may_have(*t)) && words.iter().all(|w| filter.may_have_word(*w))
    }

    /// Whether a token filter can say anything about this search.
    pub(crate) fn uses_tokens(&self) -> bool {
        self.required != Required::default()
    }

    /// Whether the text is found in `hay`.
    pub(crate) fn matches(&self, hay: &[u8]) -> bool {
        self.parts.iter().all(|part| {
            let mut at = 0;
            while let Some(found) = part.find_at(hay, at) {
                if self.mode == TextMatch::Substring || stands_alone(hay, found.start(), found.end()) {
                    return true;
                }
                at = found.start() + 1;
                if at > hay.len() {
                    return false;
                }
            }
            false
        })
    }
}

impl TextSearch {
    /// Which entries match; those that the blocks of a segment share are looked at once.
    pub(crate) fn hits(&self, texts: &Entries) -> Vec<bool> {
        match texts {
            Entries::Own(texts) => (0..texts.len()).map(|i| self.matches(texts.get(i))).collect(),
            Entries::Shared { places, dictionary } => {
                let known = self.known(dictionary);
                let look = |place: &u32| {
                    let place = *place as usize;
                    let seen = known.get(place).map_or(UNKNOWN, |s| s.load(Ordering::Relaxed));
                    let hit = if seen == UNKNOWN { self.matches(dictionary.entries.get(place)) } else { seen == HIT };
                    if let Some(s) = known.get(place).filter(|_| seen == UNKNOWN) {
                        s.store(if hit { HIT } else { MISS }, Ordering::Relaxed);
                    }
                    hit
                };
                places.iter().map(look).collect()
            }
        }
    }

    fn known(&self, dictionary: &Arc<Dictionary>) -> Arc<[AtomicU8]> {
        let mut known = self.known.lock();
        if let Some((_, seen)) = known.iter().rev().find(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(dictionary))) {
            return seen.clone();
        }
        let seen: Arc<[AtomicU8]> = (0..dictionary.entries.len()).map(|_| AtomicU8::new(UNKNOWN)).collect();
        known.push((Arc::downgrade(dictionary), seen.clone()));
        seen
    }

    /// Calls `each` with the number of every text that matches: one search over the bytes of all
    /// texts, which is several times faster than one search per text.
    pub(crate) fn scan(&self, blob: &Blob, mut each: impl FnMut(usize)) {
        let first = match self.parts.as_slice() {
            [first, ..] if !first.as_str().is_empty() => first,
            // Nothing is looked for, and it is everywhere.
            _ => return (0..blob.len()).for_each(each),
        };
        let (hay, offsets) = (blob.bytes(), blob.offsets());
        let mut at = 0;
        while let Some(found) = first.find_at(hay, at) {
            // The last text that begins at or before the hit; empty texts before it share its offset.
            let text = offsets.partition_point(|o| *o as usize <= found.start()).saturating_sub(1);
            let Some(end) = offsets.get(text + 1).map(|o| *o as usize) else { return };
            // A hit over the end of a text, or inside a token, may hide one that counts.
            if self.matches(blob.get(text)) {
                each(text);
            }
            at = end;
        }
    }
}

/// Whether `hay[from..to]` does not begin or end inside a token.
fn stands_alone(hay: &[u8], from: usize, to: usize) -> bool {
    let inside = hay.get(from..to).unwrap_or_default();
    let first = first_char(inside).is_some_and(is_in_words);
    let last = last_char(inside).is_some_and(is_in_words);
    let before = last_char(hay.get(..from).unwrap_or_default()).is_some_and(is_in_words);
    let after = first_char(hay.get(to..).unwrap_or_default()).is_some_and(is_in_words);
    !(first && before || last && after)
}

fn first_char(bytes: &[u8]) -> Option<char> {
    let head = bytes.get(..bytes.len().min(4))?;
    head.utf8_chunks().next()?.valid().chars().next()
}

fn last_char(bytes: &[u8]) -> Option<char> {
    let begin = (1..=4).filter_map(|n| bytes.len().checked_sub(n)).find(|at| bytes[*at] & 0xc0 != 0x80)?;
    std::str::from_utf8(&bytes[begin..]).ok()?.chars().next_back()
}

/// A value as text: scalars as they are spelled, arrays and maps as JSON. Bytes have no text.
pub(crate) fn value_text(v: &Value) -> Option<String> {
    match v {
        Value::Empty | Value::Bytes(_) => None,
        Value::Str(s) => Some(s.clone()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Int(i) => Some(i.to_string()),
        Value::Double(d) => Some(d.to_string()),
        Value::Array(_) | Value::Map(_) => {
            let mut out = String::new();
            put_json(v, &mut out);
            Some(out)
        }
    }
}

fn put_json(v: &Value, out: &mut String) {
    match v {
        Value::Empty => out.push_str("null"),
        Value::Str(s) => put_json_text(s, out),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Double(d) if d.is_finite() => out.push_str(&d.to_string()),
        Value::Double(d) => put_json_text(&d.to_string(), out),
        Value::Bytes(b) => {
            let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
            put_json_text(&hex, out);
        }
        Value::Array(values) => {
            out.push('[');
            for (i, v) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                put_json(v, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (k, v)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                put_json_text(k, out);
                out.push(':');
                put_json(v, out);
            }
            out.push('}');
        }
    }
}

/// RFC 8259, section 7.
fn put_json_text(s: &str, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::binary;
    use crate::column::bytes::Reader;

    #[test]
    fn tokens_phrases_and_substrings() {
        let hay = "Connection TIMED out: user_id=42 für Größe".as_bytes();
        let found = |text, mode| TextSearch::new(text, mode).unwrap().matches(hay);
        assert!(found("timed", TextMatch::Token));
        assert!(found("out connection", TextMatch::Token));
        assert!(!found("time", TextMatch::Token));
        assert!(!found("user", TextMatch::Token));
        assert!(found("user_id", TextMatch::Token));
        assert!(found("größe", TextMatch::Token));
        assert!(!found("gr", TextMatch::Token));
        assert!(found("timed OUT", TextMatch::Phrase));
        assert!(!found("imed out", TextMatch::Phrase));
        assert!(found("imed o", TextMatch::Substring));
        assert!(found("id=42", TextMatch::Substring) && !found("id=42", TextMatch::Phrase));
        assert!(found("=42", TextMatch::Phrase));
    }

    #[test]
    fn a_scan_finds_what_single_searches_find() {
        let texts = ["ab", "", "c abc", "xabc abc", "b", "cab", "abcabc", "", "ABC", "ab c"];
        let column: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
        let mut bytes = Vec::new();
        binary::put_blob(&column, &mut bytes);
        let blob = binary::read_blob(&mut Reader(&bytes), texts.len()).unwrap();
        for mode in [TextMatch::Token, TextMatch::Phrase, TextMatch::Substring] {
            for needle in ["abc", "b", "c abc", "bb", "", " "] {
                let search = TextSearch::new(needle, mode).unwrap();
                let mut found = Vec::new();
                search.scan(&blob, |i| found.push(i));
                let expected: Vec<usize> = (0..texts.len()).filter(|i| search.matches(column[*i])).collect();
                assert_eq!(found, expected, "{needle} {mode:?}");
            }
        }
    }

    #[test]
    fn tokens_that_a_search_needs() {
        let required = |text, mode| super::required(text, mode).tokens;
        let hashes = |words: &[&str]| words.iter().map(|w| tokens::hash(w.as_bytes())).collect::<Vec<_>>();
        assert_eq!(required("Timed out", TextMatch::Token), hashes(&["timed", "out"]));
        assert_eq!(required("=id: 4", TextMatch::Phrase), hashes(&["id", "4"]));
        assert_eq!(required("imed out af", TextMatch::Substring), hashes(&["out"]));
        assert_eq!(required(" out ", TextMatch::Substring), hashes(&["out"]));
        assert_eq!(required("größe ask up", TextMatch::Phrase), hashes(&["up"]));
        assert_eq!(required("größe ask up", TextMatch::Token), hashes(&["ask", "up"]));
        let words = |text, mode| super::required(text, mode).words;
        assert_eq!(words("Ägypten 東京x_7 up", TextMatch::Token), hashes(&["ägypten", "東京x_7"]));
        assert_eq!(words("Ägypten 東京 up", TextMatch::Substring), hashes(&["東京"]));
        assert_eq!(words("ÄKſ τέλος µm", TextMatch::Phrase), hashes(&["äks", "τέλοσ", "μm"]));
        assert_eq!(words("weiß", TextMatch::Phrase), hashes(&["weiß"]));
        // The capital form of this letter is one that the filter knows by itself.
        assert!(words("ᾳx", TextMatch::Phrase).is_empty());
    }

    #[test]
    fn templates_answer_for_words_that_are_no_variables() {
        let answers = |text, mode| TextSearch::new(text, mode).unwrap().is_in_templates();
        assert!(answers("reset by peer", TextMatch::Phrase) && answers(" => ", TextMatch::Phrase));
        assert!(!answers("attempt 3", TextMatch::Phrase) && !answers("deadbeef", TextMatch::Token));
        assert!(!answers("peer", TextMatch::Substring) && !answers("größe", TextMatch::Token));
        let texts = ["call 7: reset by PEER (3)", "called 7", "peers 7", "é7peer 1", "7peer", "peer é7"];
        let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
        let split = template::split(&texts).unwrap();
        let mut bytes = Vec::new();
        split.encode(texts.iter().map(|t| t.len()).sum(), &mut bytes);
        let found = template::decode_templates(&mut Reader(&bytes), texts.len(), None).unwrap();
        for (needle, mode) in
            [("peer", TextMatch::Token), (": reset by peer (", TextMatch::Phrase), ("call", TextMatch::Token)]
        {
            let search = TextSearch::new(needle, mode).unwrap();
            for (text, code) in texts.iter().zip(&found.codes) {
                assert_eq!(search.matches(found.texts.get(*code as usize)), search.matches(text), "{needle}");
            }
        }
    }

    #[test]
    fn structures_are_json() {
        let v =
            Value::Map(vec![("a\"".into(), Value::Array(vec![Value::Int(1), Value::Empty, Value::Str("x\n".into())]))]);
        assert_eq!(value_text(&v).unwrap(), r#"{"a\"":[1,null,"x\n"]}"#);
    }

    #[test]
    fn huge_patterns_are_refused() {
        assert!(pattern("((a{100}){100}){100}").is_err());
        assert!(pattern("(").is_err());
    }
}
