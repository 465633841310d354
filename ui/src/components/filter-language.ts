// The filter language in the editor: colours and completion. The server parses; this only looks at the text.
import type { FieldSignal } from "../api/fields.ts";
import { fetchFields, fetchFieldValues } from "../api/fields.ts";
import { quote } from "../lib/filter.ts";
import { formatShort } from "../lib/number.ts";
import type { Range } from "../lib/time/range.ts";
import type { Completion, Piece } from "./QueryInput.tsx";

const TOKEN =
  /("(?:\\.|[^"\\])*"?)|(\/(?:\\.|[^/\\\s])+\/)|\b(AND|OR|NOT|has)\b|(-?[\p{L}_][\p{L}\p{N}_.-]*)(?=\s*(?::|[<>=!~]=?|!~))|([<>=!]=?|!~|~|:|\.\.|[()])|(\b\d[\d.]*(?:ns|us|ms|s|m|h)?\b)/gu;

export function highlightFilter(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), kind: "plain" });
    const kind: Piece["kind"] =
      match[1] || match[2] ? "string" : match[3] ? "keyword" : match[4] ? "key" : match[5] ? "operator" : "number";
    pieces.push({ text: match[0], kind });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), kind: "plain" });
  return pieces;
}

const MAX_ITEMS = 50;

const FIXED_VALUES: Record<string, readonly string[]> = {
  level: ["trace", "debug", "info", "warn", "error", "fatal"],
  status: ["ok", "error", "unset"],
  kind: ["server", "client", "internal", "producer", "consumer"],
};

const BUILTIN_FIELDS: Record<FieldSignal, readonly string[]> = {
  logs: ["service", "level", "body", "trace_id", "span_id", "severity_text", "scope"],
  traces: ["service", "name", "status", "kind", "duration", "trace_id", "scope"],
};

/** Completes a field name, or the value of a field with the rest of the query applied. */
export function filterCompleter(signalName: FieldSignal, range: Range) {
  return async (text: string, caret: number, signal: AbortSignal): Promise<Completion | null> => {
    const before = text.slice(0, caret);
    const value = /(?:^|[\s(])-?([\p{L}_][\p{L}\p{N}_.-]*)(?::|=|!=)("?)([^\s"()]*)$/u.exec(before);
    if (value) {
      const [, field = "", openQuote = "", partial = ""] = value;
      const from = caret - partial.length - openQuote.length;
      const rest = `${text.slice(0, before.length - value[0].length)} ${text.slice(caret)}`.trim();
      return completeValue(field, partial, rest, { from, to: caret }, signalName, range, signal);
    }
    const word = /(?:^|[\s(])-?([\p{L}\p{N}_.]*)$/u.exec(before);
    if (!word) return null;
    return completeField(word[1] ?? "", caret, signalName, range, signal);
  };
}

async function completeField(
  partial: string,
  caret: number,
  signalName: FieldSignal,
  range: Range,
  signal: AbortSignal,
): Promise<Completion> {
  const answer = await fetchFields(signalName, range, signal).catch(() => null);
  const counts = new Map(BUILTIN_FIELDS[signalName].map((name) => [name, "builtin"]));
  for (const field of answer?.value.fields ?? []) {
    if (!counts.has(field.name)) counts.set(field.name, `${field.type}  ${formatShort(field.count)}`);
  }
  const found = [...counts].filter(([name]) => name.toLowerCase().includes(partial.toLowerCase()));
  found.sort(([a], [b]) => Number(b.startsWith(partial)) - Number(a.startsWith(partial)));
  return {
    from: caret - partial.length,
    to: caret,
    items: found.slice(0, MAX_ITEMS).map(([name, detail]) => ({
      insert: name === "duration" ? "duration>" : `${name}:`,
      label: name,
      detail,
    })),
    ...(found.length > MAX_ITEMS ? { note: `showing ${MAX_ITEMS} of ${found.length}, type to narrow` } : {}),
  };
}

async function completeValue(
  field: string,
  partial: string,
  rest: string,
  place: { from: number; to: number },
  signalName: FieldSignal,
  range: Range,
  signal: AbortSignal,
): Promise<Completion> {
  const fixed = FIXED_VALUES[field];
  const matches = (candidate: string) => candidate.toLowerCase().includes(partial.toLowerCase());
  if (fixed) return { ...place, items: fixed.filter(matches).map((name) => ({ insert: `${name} `, label: name })) };
  const query = { field, signal: signalName, range, q: rest, limit: 200 };
  const answer = await fetchFieldValues(query, signal);
  const found = answer.value.values.filter((entry) => matches(entry.value));
  return {
    ...place,
    items: found.slice(0, MAX_ITEMS).map((entry) => ({
      insert: `${/^[\p{L}\p{N}_./@-]+$/u.test(entry.value) ? entry.value : quote(entry.value)} `,
      label: entry.value,
      detail: formatShort(entry.count),
    })),
    ...(found.length > MAX_ITEMS ? { note: `showing ${MAX_ITEMS} of ${found.length}, type to narrow` } : {}),
  };
}
