// The filter language in the editor: colours and completion. The server parses; this only looks at the text.
import type { FieldSignal } from "../api/fields.ts";
import { fetchSuggestions, type Suggestion } from "../api/fields.ts";
import { formatShort } from "../lib/number.ts";
import type { Range } from "../lib/time/range.ts";
import type { Completion, Piece } from "./QueryInput.tsx";
import { byteRange } from "./States.tsx";

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

/** The server says what can stand at the caret: fields, values with the rest of the query applied, stages, functions. */
export function filterCompleter(signalName: FieldSignal, range: Range) {
  return async (text: string, caret: number, signal: AbortSignal): Promise<Completion | null> => {
    const position = byteLength(text.slice(0, caret));
    const { value } = await fetchSuggestions({ signal: signalName, range, q: text, position }, signal);
    const [from] = byteRange(text, value.from, 0);
    const written = text.slice(from, caret);
    const items = value.items
      .filter((item) => item.text !== written)
      .map((item) => ({
        insert: inserted(item),
        label: item.text,
        detail: item.count > 0 ? `${item.kind}  ${formatShort(item.count)}` : item.kind,
      }));
    if (items.length === 0) return null;
    const full = items.length >= SUGGESTIONS_MAX ? { note: `the first ${SUGGESTIONS_MAX}, type to narrow` } : {};
    return { from, to: caret, items, ...full };
  };
}

/** As many as the server answers. */
const SUGGESTIONS_MAX = 50;

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** What is typed next stands directly behind: an operator after a field, a space after a value. */
function inserted({ text, kind }: Suggestion): string {
  if (kind === "field") return /[:<>=~(]$/.test(text) ? text : text === "duration" ? "duration>" : `${text}:`;
  if (kind === "function") return text.includes("(") ? text : `${text}(`;
  return `${text} `;
}
