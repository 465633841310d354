//! The most telling difference in words.

use super::SUPPORT_MIN;
use super::compare::Compared;

/// Longer values are cut in a sentence.
const VALUE_CHARS_MAX: usize = 80;

/// One sentence; `attributes` are ranked.
pub(super) fn sentence(attributes: &[Compared], selection: u64, baseline: u64) -> String {
    if selection == 0 {
        return "nothing is selected".to_owned();
    }
    if baseline == 0 {
        return "there is nothing to compare the selection with: the baseline is empty".to_owned();
    }
    let Some(best) = attributes.first().filter(|a| a.difference.significant) else {
        let more = if selection < SUPPORT_MIN {
            format!(": a selection of {selection} proves nothing, {SUPPORT_MIN} are the least")
        } else {
            String::new()
        };
        return format!("no attribute differs by more than chance explains{more}");
    };
    let key = &best.difference.key;
    let (thing, mine, theirs) = match best.difference.values.first() {
        Some(value) if !best.by_coverage => {
            let thing = if best.difference.histogram.is_some() {
                value.term.clone()
            } else {
                format!("{key}={}", cut(&value.value))
            };
            let share = |n: u64, of: u64| n as f64 / of as f64;
            (thing, share(value.count.selection, selection), share(value.count.baseline, baseline))
        }
        _ => (key.clone(), best.difference.coverage.selection, best.difference.coverage.baseline),
    };
    let only = if mine < theirs { "only " } else { "" };
    format!("{only}{} of the selection have `{thing}` (baseline {})", percent(mine), percent(theirs))
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or(value)),
        None => value.to_owned(),
    }
}

/// Never 0 % or 100 % of what is not none and not all.
fn percent(share: f64) -> String {
    let share = share * 100.0;
    match share {
        s if s <= 0.0 => "0 %".to_owned(),
        s if s < 0.1 => "less than 0.1 %".to_owned(),
        s if s < 10.0 => format!("{s:.1} %"),
        s if s >= 100.0 => "100 %".to_owned(),
        s => format!("{:.0} %", s.min(99.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_do_not_claim_too_much() {
        let said = [0.0, 0.000_1, 0.034, 0.5, 0.939, 0.999_9, 1.0].map(percent);
        assert_eq!(said, ["0 %", "less than 0.1 %", "3.4 %", "50 %", "94 %", "99 %", "100 %"]);
    }
}
