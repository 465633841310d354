//! Messages on a stream: counted in octets, or ended by a line feed (RFC 6587, 3.4).
//!
//! Both kinds may come on one connection: a digit begins a count, `<` begins a message.

use thiserror::Error;

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// By what each message begins with.
    Either,
    /// `LEN SP MSG` only.
    OctetCounting,
    /// Line feeds only.
    LineFeed,
}

/// A message above the limit; the stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a message is longer than {limit} bytes (`max_log_size`), or its length is no number")]
pub struct TooLong {
    /// The limit.
    pub limit: usize,
}

/// Collects what a stream brings and gives its messages.
#[derive(Debug)]
pub struct Splitter {
    framing: Framing,
    limit: usize,
    buffer: Vec<u8>,
    /// Where the next message begins in `buffer`.
    at: usize,
    /// How far the line was searched, so that a slow line is not searched again.
    searched: usize,
}

impl Splitter {
    /// Messages of at most `limit` bytes.
    pub const fn new(framing: Framing, limit: usize) -> Self {
        Self { framing, limit, buffer: Vec::new(), at: 0, searched: 0 }
    }

    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        (self.at, self.searched) = (0, 0);
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    ///
    /// # Errors
    /// It is, or says that it is, longer than the limit.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let counted = match self.framing {
            Framing::OctetCounting => true,
            Framing::LineFeed => false,
            Framing::Either => self.buffer.get(self.at).is_some_and(u8::is_ascii_digit),
        };
        if counted { self.counted() } else { self.line() }
    }

    fn counted(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let too_long = TooLong { limit: self.limit };
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
        if digits > 10 || digits == 0 && !rest.is_empty() {
            return Err(too_long);
        }
        match rest.get(digits) {
            None => return Ok(None),
            Some(b' ') => {}
            Some(_) => return Err(too_long),
        }
        let length = std::str::from_utf8(&rest[..digits]).ok().and_then(|d| d.parse::<usize>().ok());
        let length = length.filter(|l| *l <= self.limit).ok_or(too_long)?;
        let begin = self.at + digits + 1;
        let Some(message) = self.buffer.get(begin..begin + length) else { return Ok(None) };
        self.at = begin + length;
        self.searched = self.at;
        Ok(Some(message))
    }

    fn line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let from = self.searched.max(self.at);
        let unread = self.buffer.get(from..).unwrap_or_default();
        match unread.iter().position(|b| *b == b'\n') {
            Some(n) => {
                let line = self.at..from + n;
                self.at = from + n + 1;
                self.searched = self.at;
                Ok(self.buffer.get(line))
            }
            None if self.buffer.len() - self.at > self.limit => Err(TooLong { limit: self.limit }),
            None => {
                self.searched = self.buffer.len();
                Ok(None)
            }
        }
    }

    /// What is left when the stream has ended: a last line without its end. A count without its message is nothing.
    pub fn rest(self) -> Vec<u8> {
        match self.buffer.get(self.at..) {
            Some(rest) if rest.first().is_some_and(|b| *b == b'<') => rest.to_vec(),
            _ => Vec::new(),
        }
    }
}
