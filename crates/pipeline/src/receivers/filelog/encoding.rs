//! Bytes of a file as text.

use std::borrow::Cow;

/// How a file's text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// What is not UTF-8 is replaced.
    Utf8,
    Utf16Le,
    Utf16Be,
    /// Whatever `encoding_rs` knows whose line feeds are one byte.
    Other(&'static encoding_rs::Encoding),
}

impl Encoding {
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" | "utf-8-raw" | "nop" | "ascii" | "us-ascii" => Ok(Self::Utf8),
            "utf-16le" | "utf16le" | "utf-16" | "utf16" => Ok(Self::Utf16Le),
            "utf-16be" | "utf16be" => Ok(Self::Utf16Be),
            label => match encoding_rs::Encoding::for_label(label.as_bytes()) {
                Some(encoding) if encoding == encoding_rs::UTF_8 => Ok(Self::Utf8),
                Some(encoding) => Ok(Self::Other(encoding)),
                None => Err(format!(
                    "`{name}` is not known; there is utf-8, utf-16le, utf-16be, ascii, big5, gbk, shift_jis, iso-8859-1, \
                     windows-1252 and others of the WHATWG's list"
                )),
            },
        }
    }

    pub(super) fn decode<'a>(self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self {
            Self::Utf8 => match simdutf8::basic::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            },
            Self::Utf16Le => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0,
            Self::Utf16Be => encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0,
            Self::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }

    /// Bytes of a mark at the beginning of a file that says how it is written, and is no text.
    pub(super) fn mark(self, begin: &[u8]) -> usize {
        let mark: &[u8] = match self {
            Self::Utf8 => b"\xef\xbb\xbf",
            Self::Utf16Le => b"\xff\xfe",
            Self::Utf16Be => b"\xfe\xff",
            Self::Other(_) => return 0,
        };
        if begin.starts_with(mark) { mark.len() } else { 0 }
    }
}
