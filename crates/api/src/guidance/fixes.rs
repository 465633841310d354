//! What a sender has to change, by what it was told.

/// A kind of refusal, and its remedy.
pub(super) struct Fix {
    pub code: &'static str,
    pub fix: &'static str,
}

/// `told` is the code in the journal: an HTTP status, `grpc N`, `partial`, `tls` or `cors`.
pub(super) fn fix(told: &str, message: &str) -> Fix {
    let (code, fix) = match told {
        "tls" => (
            "tls_on_plain_port",
            "use http:// instead of https://, or set OTEL_EXPORTER_OTLP_INSECURE=true: this port does not speak TLS",
        ),
        "cors" => ("cors_origin", "add the origin of the page to the allowed origins of the OTLP receiver"),
        "404" | "405" => (
            "wrong_path",
            "set OTEL_EXPORTER_OTLP_ENDPOINT to the address alone; exporters add /v1/traces, /v1/logs and /v1/metrics",
        ),
        "415" if message.contains("encoding") => {
            ("encoding", "compress with gzip, or not at all: OTEL_EXPORTER_OTLP_COMPRESSION=gzip")
        }
        "415" => (
            "content_type",
            "send application/x-protobuf or application/json: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        ),
        "413" | "grpc 8" if message.contains("large") || told == "413" => {
            ("too_large", "send smaller batches: OTEL_BSP_MAX_EXPORT_BATCH_SIZE, or raise the limit of the receiver")
        }
        "401" | "403" | "grpc 16" | "grpc 7" => ("token", "send the token of this server in the header Authorization"),
        "429" | "503" | "grpc 8" | "grpc 14" => (
            "unavailable",
            "nothing to change: exporters try again; if it lasts, send less or give the server more memory",
        ),
        _ => ("malformed", "the message says what is wrong; look at the exporter's own log"),
    };
    Fix { code, fix }
}

#[cfg(test)]
mod tests {
    use super::fix;

    #[test]
    fn every_refusal_has_a_remedy() {
        for (told, message, code) in [
            ("tls", "", "tls_on_plain_port"),
            ("404", "", "wrong_path"),
            ("415", "unknown content encoding `br`", "encoding"),
            ("415", "content type text/plain", "content_type"),
            ("413", "", "too_large"),
            ("grpc 8", "the message is too large", "too_large"),
            ("grpc 8", "out of memory for requests", "unavailable"),
            ("400", "", "malformed"),
            ("grpc 3", "", "malformed"),
        ] {
            let found = fix(told, message);
            assert_eq!(found.code, code, "{told} {message}");
            assert!(!found.fix.is_empty());
        }
    }
}
