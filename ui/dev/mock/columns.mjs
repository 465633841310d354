// A trace as the server's `format=columns` spells it.
const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS = ["UNSET", "OK", "ERROR"];

function dictionary() {
  const texts = [];
  return { texts, place: (text) => (texts.includes(text) ? texts.indexOf(text) : texts.push(text) - 1) };
}

export function toColumns(spans) {
  const t0 = spans.reduce(
    (least, span) => (BigInt(span.start_unix_nano) < least ? BigInt(span.start_unix_nano) : least),
    BigInt(spans[0].start_unix_nano),
  );
  const places = new Map(spans.map((span, index) => [span.span_id, index]));
  const [names, services] = [dictionary(), dictionary()];
  return {
    start_unix_nano: String(t0),
    name: spans.map((span) => names.place(span.name)),
    service: spans.map((span) => services.place(span.service)),
    names: names.texts,
    services: services.texts,
    kinds: KINDS,
    span_id: spans.map((span) => span.span_id),
    parent: spans.map((span) => (span.parent_span_id ? (places.get(span.parent_span_id) ?? -2) : -1)),
    kind: spans.map((span) => KINDS.indexOf(span.kind)),
    status: spans.map((span) => STATUS.indexOf(span.status.code)),
    start: spans.map((span) => Number(BigInt(span.start_unix_nano) - t0)),
    duration: spans.map((span) => span.duration_nanos),
  };
}
