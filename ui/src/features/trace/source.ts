// Where the details of a trace come from: the server, or a file that was dropped onto the page.
import { fetchAnalysis } from "../../api/analyse.ts";
import { valueText } from "../../api/otlp.ts";
import { fetchSpans } from "../../api/trace-columns.ts";
import { fetchTrace, type Span } from "../../api/traces.ts";
import type { Range } from "../../lib/time/range.ts";
import type { TraceTree } from "./tree.ts";

export interface TraceSource {
  /** Tells sources apart, for the cache of queries. */
  key: string;
  /** Everything about one span; null when it is gone. */
  span: (index: number, abort: AbortSignal) => Promise<Span | null>;
  /** Ids of the spans for which a term of the filter language holds. */
  matching: (term: string, abort: AbortSignal) => Promise<readonly string[]>;
  /** All spans with all they have, for reading as text. */
  all: (abort: AbortSignal) => Promise<readonly Span[]>;
  /** Logs and other traces can be asked for. */
  live: boolean;
}

/** Spans answered for one term; beyond that the match is incomplete. */
export const MATCHES_MAX = 10_000;

/** When a trace began, in Unix milliseconds. */
export function startMilli(tree: TraceTree): number {
  return Number(tree.startNanos / 1_000_000n);
}

/** The range of a trace with a minute on both sides: clocks of senders differ. */
export function traceRange(tree: TraceTree): Range {
  const start = startMilli(tree);
  return { fromMilli: start - 60_000, toMilli: Math.ceil(start + tree.duration / 1e6) + 60_000 };
}

export function serverSource(tree: TraceTree): TraceSource {
  const id = tree.traceId;
  const around = startMilli(tree);
  return {
    key: id,
    live: true,
    all: async (abort) => (await fetchTrace(id, around, abort)).value.spans,
    async span(index, abort) {
      const found = await fetchSpans(id, tree.spanIds[index] ?? "", around, abort);
      // Client and server may share one id; the columns know which of them this row is.
      return found.find((span) => span.service === tree.services[tree.service[index] ?? 0]) ?? found[0] ?? null;
    },
    async matching(term, abort) {
      const q = `trace_id:${id} (${term}) | fields span_id | limit ${MATCHES_MAX}`;
      const { value } = await fetchAnalysis({ signal: "traces", range: traceRange(tree), q }, abort);
      return value.fields?.rows.flatMap((row) => row[0] ?? []) ?? [];
    },
  };
}

export function fileSource(tree: TraceTree, spans: readonly Span[]): TraceSource {
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  return {
    key: `file:${tree.traceId}`,
    live: false,
    all: async () => spans,
    span: async (index) => byId.get(tree.spanIds[index] ?? "") ?? null,
    matching: async (term) => spans.filter((span) => spanHas(span, term)).map((span) => span.span_id),
  };
}

/** `key:value`, `has(key)` or a text, over the attributes of a span and its resource. */
function spanHas(span: Span, term: string): boolean {
  const all = [...span.attributes, ...span.resource.attributes];
  const has = /^has\((.+)\)$/.exec(term)?.[1];
  if (has) return all.some((entry) => entry.key === has);
  const pair = /^([^\s:=<>~"]+)[:=](.*)$/.exec(term);
  const wanted = (pair?.[2] ?? term).replace(/^"|"$/g, "");
  if (pair) return all.some((entry) => entry.key === pair[1] && valueText(entry.value) === wanted);
  return all.some((entry) => valueText(entry.value).toLowerCase().includes(wanted.toLowerCase()));
}
