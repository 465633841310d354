// What a pasted text is, before any fuzzy search: a trace id, a traceparent header, a URL of this instance, PromQL,
// or a time.
import { parseRangeText } from "../lib/time/grammar.ts";
import type { RangeText } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";

export type Recognised =
  | { kind: "trace"; traceId: string; spanId?: string }
  | { kind: "span"; spanId: string }
  | { kind: "promql"; query: string }
  | { kind: "time"; range: RangeText }
  | { kind: "url"; href: string };

export function recognise(text: string, nowMilli: number, zone: Zone, base: string): Recognised[] {
  const input = text.trim();
  const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/i.exec(input);
  if (traceparent?.[1] && traceparent[2]) {
    return [{ kind: "trace", traceId: traceparent[1].toLowerCase(), spanId: traceparent[2].toLowerCase() }];
  }
  if (/^[0-9a-f]{32}$/i.test(input)) return [{ kind: "trace", traceId: input.toLowerCase() }];
  if (/^[0-9a-f]{16}$/i.test(input) && !/^\d{16}$/.test(input)) return [{ kind: "span", spanId: input.toLowerCase() }];
  if (input.startsWith(base)) return [{ kind: "url", href: input.slice(base.length) }];
  const out: Recognised[] = [];
  const time = parseRangeText(input.replace(/^t:\s*/, ""), nowMilli, zone);
  if (time.ok) out.push({ kind: "time", range: time.range });
  if (/[({]/.test(input) && !/^\s*[({"]/.test(input) && !time.ok) out.push({ kind: "promql", query: input });
  return out;
}
