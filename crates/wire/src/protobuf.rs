//! The protobuf wire format, without any knowledge of the messages in it.
//!
//! Source: Protocol Buffers, "Encoding" (protobuf.dev/programming-guides/encoding).

mod backward;
mod reader;
mod writer;

pub use backward::{Backward, Mark};
pub use reader::{Key, Malformation, Malformed, Reader};
pub use writer::{Open, Writer};
