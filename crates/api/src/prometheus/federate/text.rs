//! What `/federate` answers in the text format.
//!
//! Source: prometheus.io, "Exposition formats". Every metric is untyped, as in Prometheus.

use model::Labels;
use query::metrics::{Newest, NewestValue};
use wire::prometheus::exposition::escape;

use super::with_external;
use crate::prometheus::json;
use crate::prometheus::stream::Pieces;

/// Series, sorted by metric name, as families of the text format, which has no native histograms.
pub(super) struct Families<I> {
    /// Why the answer is not whole: said as comments before anything else.
    pub(super) missing: Vec<String>,
    pub(super) series: I,
    /// What every series gets that has no such label.
    pub(super) external: Labels,
    /// The metric name that was written last.
    pub(super) family: String,
    /// Names that are not plain are written in quotes; otherwise with underscores.
    pub(super) quoted: bool,
}

impl<I: Iterator<Item = Newest> + Send + Unpin + 'static> Pieces for Families<I> {
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        for reason in self.missing.drain(..) {
            out.extend(format!("# Not whole: {}\n", reason.replace(['\n', '\r'], " ")).bytes());
        }
        let Some(Newest { labels, t_ms, value }) = self.series.next() else { return false };
        let NewestValue::Float(v) = value else { return true };
        let name = labels.metric_name();
        if self.family != name {
            name.clone_into(&mut self.family);
            out.extend(b"# TYPE ");
            self.name(out, name);
            out.extend(b" untyped\n");
        }
        self.line(out, &labels, t_ms, v);
        true
    }
}

impl<I> Families<I> {
    fn line(&self, out: &mut Vec<u8>, labels: &Labels, t_ms: i64, v: f64) {
        let name = labels.metric_name();
        let inside = self.quoted && !is_plain(name, true);
        if !inside {
            self.name(out, name);
        }
        out.push(b'{');
        if inside {
            quote(out, name);
            out.push(b',');
        }
        for (i, (name, value)) in with_external(labels, &self.external).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            self.label(out, name);
            out.push(b'=');
            quote(out, value);
        }
        out.extend(b"} ");
        json::general(out, v);
        out.extend(format!(" {t_ms}\n").bytes());
    }

    /// The name of a metric.
    fn name(&self, out: &mut Vec<u8>, name: &str) {
        if is_plain(name, true) {
            out.extend(name.bytes());
        } else if self.quoted {
            quote(out, name);
        } else {
            out.extend(name.chars().map(|c| if is_name(c, true) { c as u8 } else { b'_' }));
        }
    }

    fn label(&self, out: &mut Vec<u8>, name: &str) {
        if is_plain(name, false) {
            out.extend(name.bytes());
        } else if self.quoted {
            quote(out, name);
        } else {
            out.extend(name.chars().map(|c| if is_name(c, false) { c as u8 } else { b'_' }));
        }
    }
}

/// Whether every reader of the text format takes the name as it is.
fn is_plain(name: &str, colons: bool) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| is_name(c, colons))
}

fn is_name(c: char, colons: bool) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || colons && c == ':'
}

fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend(escape(text, true).bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(quoted: bool) -> String {
        let of = |pairs: &[(&'static str, &'static str)], v| Newest {
            labels: Labels::from_pairs(pairs.iter().copied()),
            t_ms: 1_500,
            value: NewestValue::Float(v),
        };
        let series = vec![
            of(&[("__name__", "http.time"), ("a.b", "x")], 1e6),
            of(&[("__name__", "up"), ("instance", "h:1"), ("job", "a\"\\\n")], 1.0),
            of(&[("__name__", "up"), ("job", "b")], f64::NAN),
            of(&[("__name__", "up_alone")], -0.5),
        ];
        let missing = Vec::new();
        let external = Labels::from_pairs([("job", "elsewhere"), ("region", "eu")]);
        let family = String::new();
        let mut families = Families { missing, series: series.into_iter(), external, family, quoted };
        let mut out = Vec::new();
        while families.write(&mut out) {}
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn families_in_the_text_format() {
        let rest = "# TYPE up untyped\nup{instance=\"h:1\",job=\"a\\\"\\\\\\n\",region=\"eu\"} 1 1500\n\
                    up{job=\"b\",instance=\"\",region=\"eu\"} NaN 1500\n\
                    # TYPE up_alone untyped\nup_alone{instance=\"\",job=\"elsewhere\",region=\"eu\"} -0.5 1500\n";
        let more = "instance=\"\",job=\"elsewhere\",region=\"eu\"} 1e+06 1500\n";
        let quoted = format!("# TYPE \"http.time\" untyped\n{{\"http.time\",\"a.b\"=\"x\",{more}");
        assert_eq!(text(true), format!("{quoted}{rest}"));
        let plain = format!("# TYPE http_time untyped\nhttp_time{{a_b=\"x\",{more}");
        assert_eq!(text(false), format!("{plain}{rest}"));
    }
}
