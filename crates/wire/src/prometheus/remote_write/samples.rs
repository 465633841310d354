//! The `Sample` message, the same in both versions; field 3 exists in 2.0 only.

use crate::prometheus::sink::Stamp;
use crate::protobuf::{Key, Malformed, Reader};

const VALUE: Key = Key::fixed64(1);
const TIMESTAMP: Key = Key::varint(2);
const START: Key = Key::varint(3);

#[inline]
pub(super) fn sample(mut r: Reader<'_>) -> Result<(Stamp, f64), Malformed> {
    let (mut at, mut value) = (Stamp::default(), 0.0);
    while let Some(key) = r.key()? {
        match key {
            VALUE => value = r.double()?,
            TIMESTAMP => at.t = r.uint()? as i64,
            START => at.start = r.uint()? as i64,
            other => r.skip_unknown(other, 0b1110)?,
        }
    }
    Ok((at, value))
}
