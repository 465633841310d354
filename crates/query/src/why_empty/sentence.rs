//! What is wrong, in one sentence.

use super::{Reason, WhyEmpty};

pub(super) fn events(why: &WhyEmpty, what: &str) -> String {
    match why.reason {
        Reason::NeverReceived => format!("no {what} have ever arrived"),
        Reason::Present => format!("{what} of this range match; what follows the filter takes them away"),
        Reason::Filtered => match why.terms.first().filter(|t| t.without > 0) {
            Some(best) => format!("{} {what} match without `{}`", grouped(best.without), best.text),
            None => format!("there are {what} in this range, and none match even without one of the terms"),
        },
        _ => format!("the newest {what} that match are outside of this range"),
    }
}

pub(super) fn metrics(why: &WhyEmpty) -> String {
    match why.reason {
        Reason::NeverReceived => "no metrics have ever arrived".to_owned(),
        Reason::LabelMismatch => why.mismatches.first().map(|m| m.message.clone()).unwrap_or_default(),
        Reason::Waiting => match why.waiting {
            Some(w) => format!("the window needs {} samples and has {} so far", w.samples_needed, w.samples),
            None => String::new(),
        },
        Reason::Filtered => match why.terms.first() {
            Some(best) => format!("{} series match without `{}`", grouped(best.without), best.text),
            None => "no series has all of these labels at once".to_owned(),
        },
        Reason::OutOfRange => "the series that match have no samples in this range".to_owned(),
        Reason::Present => "the series are there; the expression makes nothing of them".to_owned(),
    }
}

/// `1,204`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_204, 1_234_567].map(super::grouped), ["0", "999", "1,204", "1,234,567"]);
    }
}
