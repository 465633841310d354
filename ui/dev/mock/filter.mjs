// A small part of the filter language, enough to click through the UI: terms, negation, comparison, bare words.

const TERM = /^(-?)([A-Za-z_][\w.]*)(:|=|!=|>=|<=|>|<)(.*)$/;
const DURATION = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const LEVELS = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 };

export class FilterError extends Error {
  constructor(message, offset, length, suggestion) {
    super(message);
    this.detail = {
      kind: "invalid_input",
      message,
      position: { offset, length },
      ...(suggestion ? { suggestion } : {}),
    };
  }
}

function split(query) {
  const parts = [];
  for (const match of query.matchAll(/(?:[^\s"]|"(?:\\.|[^"\\])*"?)+/g))
    parts.push({ text: match[0], offset: match.index });
  return parts;
}

function number(text) {
  const match = /^([\d.]+)(ns|us|ms|s|m|h)?$/.exec(text);
  return match ? Number(match[1]) * (match[2] ? DURATION[match[2]] : 1) : Number.NaN;
}

/** Returns a predicate over flat records made by `flatten`. */
export function compile(query) {
  const tests = [];
  for (const { text, offset } of split(query)) {
    if (text === "AND") continue;
    if ((text.match(/"/g) ?? []).length % 2 === 1)
      throw new FilterError("the quote is not closed", offset, text.length, `${text}"`);
    if (text.startsWith("(") !== text.endsWith(")"))
      throw new FilterError("the parenthesis is not closed", offset, text.length, `${text})`);
    const match = TERM.exec(text);
    if (!match) {
      const word = text.replace(/^"|"$/g, "").toLowerCase();
      tests.push((flat) => flat.text.includes(word));
      continue;
    }
    const [, minus, key, operator, raw] = match;
    if (raw === "") throw new FilterError(`the value of ${key} is missing`, offset + text.length, 1);
    const test = compare(key, operator, raw.replace(/^"|"$/g, ""));
    tests.push(minus ? (flat) => !test(flat) : test);
  }
  return (flat) => tests.every((test) => test(flat));
}

function compare(key, operator, value) {
  const field = { trace: "trace_id", operation: "name" }[key] ?? key;
  if (field === "level" && operator !== ":") {
    const wanted = LEVELS[value.toLowerCase()] ?? 0;
    return (flat) => order(flat.severity, operator, wanted);
  }
  if (operator === ":" || operator === "=" || operator === "!=") {
    const wanted = value.toLowerCase();
    const matches = (flat) => {
      const actual = String(flat.fields[field] ?? "").toLowerCase();
      return wanted.endsWith("*") ? actual.startsWith(wanted.slice(0, -1)) : actual === wanted;
    };
    return operator === "!=" ? (flat) => !matches(flat) : matches;
  }
  return (flat) => order(Number(flat.fields[field]), operator, number(value));
}

function order(actual, operator, wanted) {
  if (operator === ">=") return actual >= wanted;
  if (operator === "<=") return actual <= wanted;
  return operator === ">" ? actual > wanted : actual < wanted;
}

function plain(value) {
  return value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? "";
}

/** Spans and logs as one flat map of fields. */
export function flatten(record) {
  if (record.flat) return record.flat;
  const fields = {
    service: record.service,
    name: record.name,
    kind: record.kind?.toLowerCase(),
    status: record.status?.code.toLowerCase(),
    duration: record.duration_nanos,
    level: record.level?.toLowerCase(),
    severity_text: record.severity_text,
    trace_id: record.trace_id,
    span_id: record.span_id,
    parent_span_id: record.parent_span_id,
    scope: record.scope.name,
  };
  for (const { key, value } of [...record.resource.attributes, ...record.attributes]) fields[key] = plain(value);
  const text = `${record.body?.stringValue ?? ""} ${record.name ?? ""} ${record.status?.message ?? ""}`.toLowerCase();
  const flat = { fields, severity: record.severity_number ?? 0, text };
  Object.defineProperty(record, "flat", { value: flat, enumerable: false });
  return flat;
}
