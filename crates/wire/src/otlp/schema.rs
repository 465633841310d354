//! The messages of OTLP requests as data: names, numbers and types of their fields.
//!
//! For what is not worth code for each message: JSON, and the structure of refused records.
//!
//! Source: opentelemetry/proto/{common,resource,trace,logs,metrics}/v1/*.proto.

use Kind::{Base64, Bool, Double, Enum, Fixed32, Fixed64, Id, Int64, Sfixed64, Sint32, Text, Uint32, Uint64};

/// A message type.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// In lowerCamelCase.
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) label: Label,
}

/// How often a field may be there, and when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// Once, unless it is the zero of its type.
    One,
    /// Once, also as the zero of its type: not there is something else than zero.
    Optional,
    /// One of several, of which the last counts (`oneof`).
    Either,
    /// Any number of times.
    Many,
    /// Any number of times. The engines' decoders step over it, so that nothing of it is checked.
    Unread,
}

impl Field {
    /// Whether JSON has an array of it.
    pub(super) const fn repeated(&self) -> bool {
        matches!(self.label, Label::Many | Label::Unread)
    }
}

/// What a field holds, and with that how JSON spells it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// `bytes`, spelled in base64.
    Base64,
    /// `bytes` that OTLP spells in hex, against the proto3 mapping.
    Id,
    Bool,
    Uint32,
    Uint64,
    Int64,
    Sint32,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    /// Names and numbers.
    Enum(&'static [(&'static str, u64)]),
    Message(&'static Message),
}

impl Message {
    /// The field of this number. Most messages number theirs without a gap, so that it lies at its place.
    #[inline]
    pub(super) fn numbered(&self, number: u32) -> Option<&'static Field> {
        let at_its_place = self.fields.get((number as usize).wrapping_sub(1)).filter(|f| f.number == number);
        at_its_place.or_else(|| self.fields.iter().find(|f| f.number == number))
    }

    /// The field of this name, in lowerCamelCase or snake_case.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        let exact = self.fields.iter().find(|f| f.name == name);
        exact.or_else(|| self.fields.iter().find(|f| is_snake_case_of(name, f.name)))
    }
}

/// Whether `snake` is `camel` spelled in snake_case.
fn is_snake_case_of(snake: &str, camel: &str) -> bool {
    let mut s = snake.bytes();
    camel.bytes().all(|c| match c {
        b'A'..=b'Z' => s.next() == Some(b'_') && s.next() == Some(c.to_ascii_lowercase()),
        _ => s.next() == Some(c),
    }) && s.next().is_none()
}

const fn one(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, label: Label::One }
}

const fn optional(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, label: Label::Optional }
}

const fn either(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, label: Label::Either }
}

const fn many(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, label: Label::Many }
}

const fn unread(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, label: Label::Unread }
}

macro_rules! messages {
    ($($name:ident = [$($field:expr),* $(,)?];)*) => {
        $(pub(super) static $name: Message = Message { fields: &[$($field),*] };)*
    };
}

messages! {
    TRACES_REQUEST = [many("resourceSpans", 1, Kind::Message(&RESOURCE_SPANS))];
    RESOURCE_SPANS = [
        one("resource", 1, Kind::Message(&RESOURCE)),
        many("scopeSpans", 2, Kind::Message(&SCOPE_SPANS)),
        one("schemaUrl", 3, Text),
    ];
    SCOPE_SPANS = [
        one("scope", 1, Kind::Message(&SCOPE)),
        many("spans", 2, Kind::Message(&SPAN)),
        one("schemaUrl", 3, Text),
    ];
    SPAN = [
        one("traceId", 1, Id),
        one("spanId", 2, Id),
        one("traceState", 3, Text),
        one("parentSpanId", 4, Id),
        one("name", 5, Text),
        one("kind", 6, Enum(SPAN_KIND)),
        one("startTimeUnixNano", 7, Fixed64),
        one("endTimeUnixNano", 8, Fixed64),
        many("attributes", 9, Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", 10, Uint32),
        many("events", 11, Kind::Message(&EVENT)),
        one("droppedEventsCount", 12, Uint32),
        many("links", 13, Kind::Message(&LINK)),
        one("droppedLinksCount", 14, Uint32),
        one("status", 15, Kind::Message(&STATUS)),
        one("flags", 16, Fixed32),
    ];
    EVENT = [
        one("timeUnixNano", 1, Fixed64),
        one("name", 2, Text),
        many("attributes", 3, Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", 4, Uint32),
    ];
    LINK = [
        one("traceId", 1, Id),
        one("spanId", 2, Id),
        one("traceState", 3, Text),
        many("attributes", 4, Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", 5, Uint32),
        one("flags", 6, Fixed32),
    ];
    STATUS = [one("message", 2, Text), one("code", 3, Enum(STATUS_CODE))];

    LOGS_REQUEST = [many("resourceLogs", 1, Kind::Message(&RESOURCE_LOGS))];
    RESOURCE_LOGS = [
        one("resource", 1, Kind::Message(&RESOURCE)),
        many("scopeLogs", 2, Kind::Message(&SCOPE_LOGS)),
        one("schemaUrl", 3, Text),
    ];
    SCOPE_LOGS = [
        one("scope", 1, Kind::Message(&SCOPE)),
        many("logRecords", 2, Kind::Message(&LOG_RECORD)),
        one("schemaUrl", 3, Text),
    ];
    LOG_RECORD = [
        one("timeUnixNano", 1, Fixed64),
        one("severityNumber", 2, Enum(SEVERITY_NUMBER)),
        one("severityText", 3, Text),
        one("body", 5, Kind::Message(&ANY_VALUE)),
        many("attributes", 6, Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", 7, Uint32),
        one("flags", 8, Fixed32),
        one("traceId", 9, Id),
        one("spanId", 10, Id),
        one("observedTimeUnixNano", 11, Fixed64),
        one("eventName", 12, Text),
    ];

    METRICS_REQUEST = [many("resourceMetrics", 1, Kind::Message(&RESOURCE_METRICS))];
    RESOURCE_METRICS = [
        one("resource", 1, Kind::Message(&RESOURCE)),
        many("scopeMetrics", 2, Kind::Message(&SCOPE_METRICS)),
        one("schemaUrl", 3, Text),
    ];
    SCOPE_METRICS = [
        one("scope", 1, Kind::Message(&SCOPE)),
        many("metrics", 2, Kind::Message(&METRIC)),
        one("schemaUrl", 3, Text),
    ];
    METRIC = [
        one("name", 1, Text),
        one("description", 2, Text),
        one("unit", 3, Text),
        either("gauge", 5, Kind::Message(&GAUGE)),
        either("sum", 7, Kind::Message(&SUM)),
        either("histogram", 9, Kind::Message(&HISTOGRAM)),
        either("exponentialHistogram", 10, Kind::Message(&EXPONENTIAL_HISTOGRAM)),
        either("summary", 11, Kind::Message(&SUMMARY)),
        unread("metadata", 12, Kind::Message(&KEY_VALUE)),
    ];
    GAUGE = [many("dataPoints", 1, Kind::Message(&NUMBER_DATA_POINT))];
    SUM = [
        many("dataPoints", 1, Kind::Message(&NUMBER_DATA_POINT)),
        one("aggregationTemporality", 2, Enum(TEMPORALITY)),
        one("isMonotonic", 3, Bool),
    ];
    HISTOGRAM = [
        many("dataPoints", 1, Kind::Message(&HISTOGRAM_DATA_POINT)),
        one("aggregationTemporality", 2, Enum(TEMPORALITY)),
    ];
    EXPONENTIAL_HISTOGRAM = [
        many("dataPoints", 1, Kind::Message(&EXPONENTIAL_HISTOGRAM_DATA_POINT)),
        one("aggregationTemporality", 2, Enum(TEMPORALITY)),
    ];
    SUMMARY = [many("dataPoints", 1, Kind::Message(&SUMMARY_DATA_POINT))];
    NUMBER_DATA_POINT = [
        many("attributes", 7, Kind::Message(&KEY_VALUE)),
        one("startTimeUnixNano", 2, Fixed64),
        one("timeUnixNano", 3, Fixed64),
        either("asDouble", 4, Double),
        either("asInt", 6, Sfixed64),
        many("exemplars", 5, Kind::Message(&EXEMPLAR)),
        one("flags", 8, Uint32),
    ];
    HISTOGRAM_DATA_POINT = [
        many("attributes", 9, Kind::Message(&KEY_VALUE)),
        one("startTimeUnixNano", 2, Fixed64),
        one("timeUnixNano", 3, Fixed64),
        one("count", 4, Fixed64),
        optional("sum", 5, Double),
        many("bucketCounts", 6, Fixed64),
        many("explicitBounds", 7, Double),
        many("exemplars", 8, Kind::Message(&EXEMPLAR)),
        one("flags", 10, Uint32),
        optional("min", 11, Double),
        optional("max", 12, Double),
    ];
    EXPONENTIAL_HISTOGRAM_DATA_POINT = [
        many("attributes", 1, Kind::Message(&KEY_VALUE)),
        one("startTimeUnixNano", 2, Fixed64),
        one("timeUnixNano", 3, Fixed64),
        one("count", 4, Fixed64),
        optional("sum", 5, Double),
        one("scale", 6, Sint32),
        one("zeroCount", 7, Fixed64),
        one("positive", 8, Kind::Message(&BUCKETS)),
        one("negative", 9, Kind::Message(&BUCKETS)),
        one("flags", 10, Uint32),
        many("exemplars", 11, Kind::Message(&EXEMPLAR)),
        optional("min", 12, Double),
        optional("max", 13, Double),
        one("zeroThreshold", 14, Double),
    ];
    BUCKETS = [one("offset", 1, Sint32), many("bucketCounts", 2, Uint64)];
    SUMMARY_DATA_POINT = [
        many("attributes", 7, Kind::Message(&KEY_VALUE)),
        one("startTimeUnixNano", 2, Fixed64),
        one("timeUnixNano", 3, Fixed64),
        one("count", 4, Fixed64),
        one("sum", 5, Double),
        many("quantileValues", 6, Kind::Message(&VALUE_AT_QUANTILE)),
        one("flags", 8, Uint32),
    ];
    VALUE_AT_QUANTILE = [one("quantile", 1, Double), one("value", 2, Double)];
    EXEMPLAR = [
        many("filteredAttributes", 7, Kind::Message(&KEY_VALUE)),
        one("timeUnixNano", 2, Fixed64),
        either("asDouble", 3, Double),
        either("asInt", 6, Sfixed64),
        one("spanId", 4, Id),
        one("traceId", 5, Id),
    ];

    RESOURCE = [
        many("attributes", 1, Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", 2, Uint32),
        unread("entityRefs", 3, Kind::Message(&ENTITY_REF)),
    ];
    ENTITY_REF = [
        one("schemaUrl", 1, Text),
        one("type", 2, Text),
        many("idKeys", 3, Text),
        many("descriptionKeys", 4, Text),
    ];
    SCOPE = [
        one("name", 1, Text),
        one("version", 2, Text),
        many("attributes", 3, Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", 4, Uint32),
    ];
    KEY_VALUE = [one("key", 1, Text), one("value", 2, Kind::Message(&ANY_VALUE))];
    ANY_VALUE = [
        either("stringValue", 1, Text),
        either("boolValue", 2, Bool),
        either("intValue", 3, Int64),
        either("doubleValue", 4, Double),
        either("arrayValue", 5, Kind::Message(&ARRAY_VALUE)),
        either("kvlistValue", 6, Kind::Message(&KEY_VALUE_LIST)),
        either("bytesValue", 7, Base64),
    ];
    ARRAY_VALUE = [many("values", 1, Kind::Message(&ANY_VALUE))];
    KEY_VALUE_LIST = [many("values", 1, Kind::Message(&KEY_VALUE))];
}

const SPAN_KIND: &[(&str, u64)] = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
];

const STATUS_CODE: &[(&str, u64)] = &[("STATUS_CODE_UNSET", 0), ("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)];

const TEMPORALITY: &[(&str, u64)] = &[
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
];

const SEVERITY_NUMBER: &[(&str, u64)] = &[
    ("SEVERITY_NUMBER_UNSPECIFIED", 0),
    ("SEVERITY_NUMBER_TRACE", 1),
    ("SEVERITY_NUMBER_TRACE2", 2),
    ("SEVERITY_NUMBER_TRACE3", 3),
    ("SEVERITY_NUMBER_TRACE4", 4),
    ("SEVERITY_NUMBER_DEBUG", 5),
    ("SEVERITY_NUMBER_DEBUG2", 6),
    ("SEVERITY_NUMBER_DEBUG3", 7),
    ("SEVERITY_NUMBER_DEBUG4", 8),
    ("SEVERITY_NUMBER_INFO", 9),
    ("SEVERITY_NUMBER_INFO2", 10),
    ("SEVERITY_NUMBER_INFO3", 11),
    ("SEVERITY_NUMBER_INFO4", 12),
    ("SEVERITY_NUMBER_WARN", 13),
    ("SEVERITY_NUMBER_WARN2", 14),
    ("SEVERITY_NUMBER_WARN3", 15),
    ("SEVERITY_NUMBER_WARN4", 16),
    ("SEVERITY_NUMBER_ERROR", 17),
    ("SEVERITY_NUMBER_ERROR2", 18),
    ("SEVERITY_NUMBER_ERROR3", 19),
    ("SEVERITY_NUMBER_ERROR4", 20),
    ("SEVERITY_NUMBER_FATAL", 21),
    ("SEVERITY_NUMBER_FATAL2", 22),
    ("SEVERITY_NUMBER_FATAL3", 23),
    ("SEVERITY_NUMBER_FATAL4", 24),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_either_spelling() {
        for name in ["startTimeUnixNano", "start_time_unix_nano"] {
            assert_eq!(SPAN.field(name).map(|f| f.number), Some(7), "{name}");
        }
        for name in ["start_timeUnixNan", "start_time_unix_nano_", "starttimeunixnano", "", "StartTimeUnixNano"] {
            assert!(SPAN.field(name).is_none(), "{name}");
        }
    }
}
