//! Answers of the API as text for people, and as one JSON object per line for programs.

use foundation::UnixNanos;
use query::time::rfc3339;
use serde_json::{Map, Value as Json};

/// One row or record per line, as an object.
pub(super) fn lines(answer: &Json) -> String {
    let mut out = String::new();
    let mut put = |v: &Json| out.push_str(&format!("{v}\n"));
    let rows = |rows: &Json, names: Vec<&str>| -> Vec<Json> {
        let row = |row: &Json| {
            let cells = row.as_array().into_iter().flatten();
            Json::Object(names.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), plain(cell))).collect())
        };
        rows.as_array().into_iter().flatten().map(row).collect()
    };
    if let Some(table) = answer.get("table") {
        let names = list(&table["columns"]).filter_map(|c| c["name"].as_str()).collect();
        rows(&table["rows"], names).iter().for_each(put);
    } else if let Some(patterns) = answer.get("patterns") {
        list(&patterns["patterns"]).for_each(put);
    } else if let Some(records) = answer.get("records") {
        let names: Vec<&str> = list(&records["fields"]).filter_map(Json::as_str).collect();
        rows(&records["rows"], names).iter().for_each(&mut put);
        list(&records["logs"]).chain(list(&records["spans"])).for_each(put);
    }
    out
}

/// For people: columns, or a line per record.
pub(super) fn table(answer: &Json) -> String {
    if let Some(table) = answer.get("table") {
        return analysis(table);
    }
    if let Some(patterns) = answer.get("patterns") {
        // The highest level of the records; spans have none.
        let leveled = list(&patterns["patterns"]).any(|p| !text(&p["level"]).is_empty());
        let heads = [Some(("count", true)), leveled.then_some(("up to", false)), Some(("template", false))];
        let heads: Vec<(&str, bool)> = heads.into_iter().flatten().collect();
        let row = |p: &Json| {
            let cells = [Some(text(&p["count"])), leveled.then(|| text(&p["level"])), Some(text(&p["template"]))];
            cells.into_iter().flatten().collect()
        };
        return columns(&heads, list(&patterns["patterns"]).map(row));
    }
    let records = &answer["records"];
    let fields: Vec<(&str, bool)> = list(&records["fields"]).filter_map(Json::as_str).map(|f| (f, false)).collect();
    if !fields.is_empty() {
        let row = |row: &Json| list(row).map(|cell| text(&plain(cell))).collect();
        return columns(&fields, list(&records["rows"]).map(row));
    }
    list(&records["logs"]).map(log).chain(list(&records["spans"]).map(span)).collect()
}

fn analysis(table: &Json) -> String {
    let of = |c: &Json, what: &str| c[what].as_str().unwrap_or_default().to_owned();
    let all: Vec<(String, String, String)> =
        list(&table["columns"]).map(|c| (of(c, "name"), of(c, "kind"), of(c, "unit"))).collect();
    let heads: Vec<(&str, bool)> = all.iter().map(|(name, kind, _)| (name.as_str(), kind == "measure")).collect();
    let cell = |((_, kind, unit), v): (&(String, String, String), &Json)| match kind.as_str() {
        "time" => moment(v),
        "measure" => measure(v, unit),
        _ => text(v),
    };
    columns(&heads, list(&table["rows"]).map(|row| all.iter().zip(list(row)).map(cell).collect()))
}

/// Cells in columns as wide as their widest; those of numbers end at one place.
fn columns(heads: &[(&str, bool)], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> =
        std::iter::once(heads.iter().map(|(name, _)| (*name).to_owned()).collect()).chain(rows).collect();
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((cell, width), (_, number)) in row.iter().zip(&widths).zip(heads) {
            let pad = " ".repeat(width - cell.chars().count());
            let padded = if *number { format!("{pad}{cell}") } else { format!("{cell}{pad}") };
            line.push_str(&padded);
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn log(r: &Json) -> String {
    let head = [moment(&r["time_unix_nano"]), format!("{:5}", text(&r["level"])), text(&r["service"])];
    format!("{} {}{}\n", head.join(" "), text(&plain(&r["body"])), attributes(&r["attributes"]))
}

fn span(s: &Json) -> String {
    let took = measure(&s["duration_nanos"], "ns");
    let of = |name: &str| text(&s[name]);
    let status = text(&s["status"]["code"]);
    format!(
        "{} {} {status} {took} {} {}{}\n",
        moment(&s["start_unix_nano"]),
        of("trace_id"),
        of("service"),
        of("name"),
        attributes(&s["attributes"])
    )
}

/// ` key=value` for each.
fn attributes(all: &Json) -> String {
    let one = |a: &Json| {
        let value = plain(&a["value"]);
        let needs_quotes = |s: &str| s.is_empty() || s.contains(|c: char| c.is_whitespace() || c == '"');
        let value = match &value {
            Json::String(s) if !needs_quotes(s) => s.clone(),
            other => other.to_string(),
        };
        format!(" {}={value}", text(&a["key"]))
    };
    list(all).map(one).collect()
}

fn list(v: &Json) -> impl Iterator<Item = &Json> {
    v.as_array().into_iter().flatten()
}

/// A text as it is, nothing for `null`, everything else as JSON.
fn text(v: &Json) -> String {
    match v {
        Json::Null => String::new(),
        // A line is a record.
        Json::String(s) => s.replace('\n', "\\n"),
        other => other.to_string(),
    }
}

/// The value of an OTLP `AnyValue`; everything else stays.
fn plain(v: &Json) -> Json {
    let Some((kind, inner)) = v.as_object().filter(|o| o.len() == 1).and_then(|o| o.iter().next()) else {
        return if v.as_object().is_some_and(Map::is_empty) { Json::Null } else { v.clone() };
    };
    match kind.as_str() {
        "stringValue" | "boolValue" | "doubleValue" | "bytesValue" => inner.clone(),
        "intValue" => inner.as_str().and_then(|s| s.parse::<i64>().ok()).map_or_else(|| inner.clone(), Json::from),
        "arrayValue" => Json::Array(list(&inner["values"]).map(plain).collect()),
        "kvlistValue" => {
            let entry = |e: &Json| (text(&e["key"]), plain(&e["value"]));
            Json::Object(list(&inner["values"]).map(entry).collect())
        }
        _ => v.clone(),
    }
}

/// Unix nanoseconds in a text, as RFC 3339.
fn moment(v: &Json) -> String {
    let time = v.as_str().and_then(|s| s.parse().ok());
    time.map_or_else(|| text(v), |nanos| rfc3339(UnixNanos(nanos)))
}

/// A duration in the largest unit of which there is one, with three digits: quantiles know no more.
fn measure(v: &Json, unit: &str) -> String {
    let nanos = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return number(v),
    };
    let Some(n) = v.as_f64().map(|n| n * nanos) else { return text(v) };
    let (factor, unit) = match n.abs() {
        n if n >= 1e9 => (1e9, "s"),
        n if n >= 1e6 => (1e6, "ms"),
        n if n >= 1e3 => (1e3, "us"),
        _ => (1.0, "ns"),
    };
    let value = n / factor;
    let digits = if value.fract() == 0.0 { 0 } else { 2usize.saturating_sub(value.abs().max(1.0).log10() as usize) };
    format!("{value:.digits$}{unit}")
}

fn number(v: &Json) -> String {
    match v.as_f64().filter(|n| n.fract() != 0.0) {
        Some(n) if n.abs() >= 0.001 => format!("{n:.3}"),
        _ => text(v),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_columns() {
        let answer = json!({"table": {"columns": [
            {"name": "time", "kind": "time", "unit": "ns"}, {"name": "service", "kind": "key", "unit": ""},
            {"name": "count", "kind": "measure", "unit": "count"}, {"name": "p95", "kind": "measure", "unit": "ns"},
            {"name": "rate", "kind": "measure", "unit": "per_second"}],
            "rows": [["1795348800000000000", "api", 12, 1_234_567_890, 0.5], ["1795348860000000000", null, 3, null, 2]]}});
        let lines_of: Vec<String> = table(&answer).lines().map(str::to_owned).collect();
        assert_eq!(
            lines_of,
            [
                "time                  service  count    p95   rate",
                "2026-11-22T12:00:00Z  api         12  1.23s  0.500",
                "2026-11-22T12:01:00Z               3             2",
            ]
        );
        let first =
            json!({"time": "1795348800000000000", "service": "api", "count": 12, "p95": 1_234_567_890, "rate": 0.5});
        assert_eq!(lines(&answer).lines().next().map(|l| serde_json::from_str::<Json>(l).unwrap()), Some(first));
    }

    #[test]
    fn durations_have_three_digits() {
        let of = |n: f64| measure(&json!(n), "ns");
        assert_eq!(
            [of(0.0), of(999.0), of(1_500.0), of(45_678_000.0), of(789e9), of(1e9)].join(" "),
            "0ns 999ns 1.50us 45.7ms 789s 1s"
        );
        assert_eq!(
            (measure(&json!(2.5), "ms"), measure(&json!(null), "s"), measure(&json!(3), "count")),
            ("2.50ms".into(), String::new(), "3".into())
        );
    }

    #[test]
    fn records_are_lines() {
        let log = json!({"time_unix_nano": "1795348800000000000", "level": "WARN", "service": "api",
            "body": {"stringValue": "slow\nquery"}, "attributes": [
                {"key": "user", "value": {"stringValue": "a b"}}, {"key": "n", "value": {"intValue": "7"}},
                {"key": "m", "value": {"kvlistValue": {"values": [{"key": "x", "value": {"arrayValue": {"values": [{"boolValue": true}, {}]}}}]}}}]});
        let answer = json!({"records": {"fields": [], "rows": [], "logs": [log], "spans": []}});
        let expected = "2026-11-22T12:00:00Z WARN  api slow\\nquery user=\"a b\" n=7 m={\"x\":[true,null]}\n";
        assert_eq!(table(&answer), expected);
        assert_eq!(lines(&answer).lines().count(), 1);
        let answer = json!({"records": {"fields": ["body", "n"], "rows": [[{"stringValue": "x"}, {"intValue": "5"}], [null, null]]}});
        assert_eq!(table(&answer), "body  n\nx     5\n\n");
        assert_eq!(lines(&answer), "{\"body\":\"x\",\"n\":5}\n{\"body\":null,\"n\":null}\n");
        let patterns = json!({"patterns": {"patterns": [{"count": 12, "level": "INFO", "template": "user <*> left"}]}});
        assert_eq!(table(&patterns), "count  up to  template\n   12  INFO   user <*> left\n");
        assert_eq!((table(&json!({})), lines(&json!({}))), (String::new(), String::new()));
    }
}
