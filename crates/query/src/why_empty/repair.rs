//! A PromQL query with one name in the place of another. The text stays as it was written everywhere else.

use regex::{NoExpand, Regex};

/// Most names that are offered.
const SIMILAR_MAX: usize = 5;

/// The names of `known` that `wanted` may have meant, nearest first: by edits, and by words that both have.
pub(super) fn similar<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let plain = |s: &str| s.to_lowercase().replace(['-', '.', ':'], "_");
    let words = |s: &str| s.split('_').filter(|w| w.len() > 2).map(str::to_owned).collect::<Vec<_>>();
    let target = plain(wanted);
    let target_words = words(&target);
    let mut near: Vec<(f64, &str)> = known
        .into_iter()
        .filter(|name| *name != wanted)
        .filter_map(|name| {
            let candidate = plain(name);
            let longest = target.chars().count().max(candidate.chars().count()).max(1);
            let edits = strsim::osa_distance(&target, &candidate) as f64 / longest as f64;
            let candidate_words = words(&candidate);
            let shared = target_words.iter().filter(|w| candidate_words.contains(w)).count() as f64;
            let shared = shared / target_words.len().max(candidate_words.len()).max(1) as f64;
            let whole = !target_words.is_empty() && target_words.iter().all(|w| candidate_words.contains(w));
            let begins = candidate.starts_with(&target) || target.starts_with(&candidate);
            let far = edits
                .min(1.0 - shared)
                .min(if begins && candidate.len() > 1 { 0.3 } else { 1.0 })
                .min(if whole { 0.4 } else { 1.0 });
            (far <= 0.5).then_some((far + edits / 100.0, name))
        })
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    near.into_iter().take(SIMILAR_MAX).map(|(_, name)| name.to_owned()).collect()
}

/// `query` with the metric `from` called `to`.
pub(super) fn rename_metric(query: &str, from: &str, to: &str) -> Option<String> {
    let pattern = format!(r"(^|[^A-Za-z0-9_:.]){}($|[^A-Za-z0-9_:.])", regex::escape(from));
    replaced(query, &pattern, from, to)
}

/// `query` with the label `from` called `to`, where it stands before an operator.
pub(super) fn rename_label(query: &str, from: &str, to: &str) -> Option<String> {
    let pattern = format!(r"([{{,]\s*){}(\s*(?:=~|!~|!=|=))", regex::escape(from));
    replaced(query, &pattern, from, to)
}

/// `query` with another value in `label="from"`.
pub(super) fn change_value(query: &str, label: &str, from: &str, to: &str) -> Option<String> {
    let quoted = |q: char| format!("{q}{}{q}", regex::escape(from));
    let values = ['"', '\'', '`'].map(quoted).join("|");
    let pattern = format!(r"([{{,]\s*{}\s*=\s*)(?:{values})", regex::escape(label));
    let new = format!("{to:?}");
    let found = Regex::new(&pattern).ok()?.captures(query)?.get(0)?;
    let value = found.as_str().find(['"', '\'', '`'])? + found.start();
    checked(format!("{}{new}{}", query.get(..value)?, query.get(found.end()..)?))
}

fn replaced(query: &str, pattern: &str, from: &str, to: &str) -> Option<String> {
    let mut out = query.to_owned();
    let pattern = Regex::new(pattern).ok()?;
    let mut at = 0;
    while let Some(found) = pattern.find_at(&out, at) {
        let new = Regex::new(&regex::escape(from)).ok()?.replace(found.as_str(), NoExpand(to)).into_owned();
        // The byte behind may begin the next occurrence.
        at = found.start() + new.len().saturating_sub(1).max(1);
        out.replace_range(found.range(), &new);
        if at >= out.len() {
            break;
        }
    }
    if out == query { None } else { checked(out) }
}

/// Only what parses is offered.
fn checked(query: String) -> Option<String> {
    promql::parse(&query).is_ok().then_some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_where_they_stand_and_nowhere_else() {
        let query = "sum(rate(http_requests_total{status=~\"5..\", code=\"status\"}[5m])) / http_requests";
        assert_eq!(
            rename_label(query, "status", "status_code").unwrap(),
            "sum(rate(http_requests_total{status_code=~\"5..\", code=\"status\"}[5m])) / http_requests"
        );
        assert_eq!(
            rename_metric(query, "http_requests", "requests").unwrap(),
            "sum(rate(http_requests_total{status=~\"5..\", code=\"status\"}[5m])) / requests"
        );
        assert_eq!(
            change_value("up{job='api', a=\"b\"}", "job", "api", "web\"x").unwrap(),
            "up{job=\"web\\\"x\", a=\"b\"}"
        );
        assert_eq!(rename_label("up", "job", "x"), None);
        assert_eq!(rename_metric("a+a", "a", "bcd").unwrap(), "bcd+bcd");
    }

    #[test]
    fn near_names_come_first_and_far_ones_not_at_all() {
        let known = ["status_code", "instance", "service", "http_status_code", "job"];
        assert_eq!(similar("status", known), ["status_code", "http_status_code"]);
        assert_eq!(similar("servcie", known), ["service"]);
        assert!(similar("zzz", known).is_empty());
    }
}
