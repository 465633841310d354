//! Severities by the words that logs use.
//!
//! Source: OpenTelemetry Logs Data Model, "Field: SeverityNumber" and its mappings.

/// The severity number of a word such as `warn`, `ERROR`, `notice`; 0 for a word that is none.
pub fn of_text(word: &str) -> u8 {
    let word = word.trim();
    let mut lower = [0u8; 12];
    let Some(slot) = lower.get_mut(..word.len()) else { return 0 };
    slot.copy_from_slice(word.as_bytes());
    slot.make_ascii_lowercase();
    match &*slot {
        b"trace" | b"finest" | b"verbose" | b"trc" => 1,
        b"trace2" => 2,
        b"trace3" => 3,
        b"trace4" => 4,
        b"debug" | b"finer" | b"fine" | b"dbg" | b"d" | b"debug1" | b"debug5" => 5,
        b"debug2" => 6,
        b"debug3" => 7,
        b"debug4" => 8,
        b"info" | b"information" | b"inf" | b"i" | b"log" | b"default" => 9,
        b"info2" | b"notice" => 10,
        b"info3" => 11,
        b"info4" => 12,
        b"warn" | b"warning" | b"wrn" | b"w" => 13,
        b"warn2" => 14,
        b"warn3" => 15,
        b"warn4" => 16,
        b"error" | b"err" | b"e" | b"severe" => 17,
        b"error2" | b"critical" | b"crit" => 18,
        b"error3" | b"alert" => 19,
        b"error4" => 20,
        b"fatal" | b"panic" | b"emerg" | b"emergency" | b"f" | b"dpanic" => 21,
        b"fatal2" => 22,
        b"fatal3" => 23,
        b"fatal4" => 24,
        _ => 0,
    }
}

/// The severity number of a number as pino and bunyan (10 to 60) count.
pub const fn of_number(level: i64) -> u8 {
    match level {
        10..=19 => 1,
        20..=29 => 5,
        30..=39 => 9,
        40..=49 => 13,
        50..=59 => 17,
        60..=69 => 21,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_case() {
        assert_eq!(
            ["Warning", "ERR", " info ", "notice", "emerg", "nonsense", ""].map(of_text),
            [13, 17, 9, 10, 21, 0, 0]
        );
        assert_eq!([30, 50, 7].map(of_number), [9, 17, 0]);
    }
}
