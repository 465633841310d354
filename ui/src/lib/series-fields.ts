// Labels of a series as fields of spans and log records: only those that mean the same there.

/** Labels of a metric that spans have under another name. */
const AS_ATTRIBUTE: Readonly<Record<string, string>> = {
  service: "service",
  service_name: "service",
  route: "http.route",
  http_route: "http.route",
  method: "http.request.method",
  http_method: "http.request.method",
  http_request_method: "http.request.method",
  status_code: "http.response.status_code",
  http_status_code: "http.response.status_code",
  http_response_status_code: "http.response.status_code",
  db_system: "db.system",
  span_name: "name",
};

export function asFields(labels: Readonly<Record<string, string>>): [string, string][] {
  const out = new Map<string, string>();
  for (const [label, value] of Object.entries(labels)) {
    const field = AS_ATTRIBUTE[label];
    if (field && value !== "" && !out.has(field)) out.set(field, value);
  }
  return [...out];
}

/** `name{a="1", b="2"}`, as PromQL writes a series. */
export function seriesText(labels: Readonly<Record<string, string>>): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return pairs.length > 0 ? `${name}{${pairs.join(", ")}}` : name || "{}";
}
