//! What the components of the graph count, under the names of the Collector's own telemetry.

use pipeline::meters::{Kind, Reading};
use wire::prometheus::exposition::escape;

use super::Text;
use crate::app::App;

pub(super) fn components(app: &App, text: &mut Text) {
    write(&app.journal.meters().readings(), text);
}

fn write(readings: &[Reading], text: &mut Text) {
    for family in readings.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = family.first() else { continue };
        let kind = if first.kind == Kind::Counter { "counter" } else { "gauge" };
        let samples: Vec<(String, f64)> = family.iter().map(|r| (labels(r), r.value)).collect();
        let samples: Vec<(&str, f64)> = samples.iter().map(|(labels, value)| (labels.as_str(), *value)).collect();
        text.family(
            &first.name,
            kind,
            "Of a component of the pipelines; the Collector's name where it has one.",
            &samples,
        );
    }
}

/// `{receiver="otlp",transport="grpc"}`
fn labels(reading: &Reading) -> String {
    let pairs = reading.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value, true)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_once_and_labels_are_escaped() {
        let accepted = |transport: &str, n| {
            let labels = vec![("receiver", "otlp/\"x\"".to_owned()), ("transport", transport.to_owned())];
            Reading::counter("otelcol_receiver_accepted_spans", labels, n)
        };
        let size = Reading::gauge("otelcol_exporter_queue_size", vec![("exporter", "otlp".to_owned())], 3);
        let mut text = Text(String::new());
        write(&[size, accepted("grpc", 1), accepted("http", 2)], &mut text);
        let lines: Vec<&str> = text.0.lines().filter(|l| !l.starts_with("# HELP")).collect();
        assert_eq!(
            lines,
            [
                "# TYPE otelcol_exporter_queue_size gauge",
                r#"otelcol_exporter_queue_size{exporter="otlp"} 3"#,
                "# TYPE otelcol_receiver_accepted_spans counter",
                r#"otelcol_receiver_accepted_spans{receiver="otlp/\"x\"",transport="grpc"} 1"#,
                r#"otelcol_receiver_accepted_spans{receiver="otlp/\"x\"",transport="http"} 2"#,
            ]
        );
    }
}
