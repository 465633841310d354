// PromQL in the editor: colours and completion. The server parses; this only looks at the text around the caret.
import { fetchLabelNames, fetchLabelValues, findMetricNames, type MetricMetadata } from "../api/prometheus.ts";
import type { Range } from "../lib/time/range.ts";
import type { Completion, CompletionItem, Piece } from "./QueryInput.tsx";

const AGGREGATIONS = [
  "sum",
  "avg",
  "min",
  "max",
  "count",
  "topk",
  "bottomk",
  "quantile",
  "stddev",
  "stdvar",
  "group",
  "count_values",
];

const FUNCTIONS = [
  "abs",
  "absent",
  "absent_over_time",
  "avg_over_time",
  "ceil",
  "changes",
  "clamp",
  "clamp_max",
  "clamp_min",
  "count_over_time",
  "day_of_week",
  "delta",
  "deriv",
  "exp",
  "floor",
  "histogram_avg",
  "histogram_count",
  "histogram_fraction",
  "histogram_quantile",
  "histogram_sum",
  "hour",
  "idelta",
  "increase",
  "irate",
  "label_join",
  "label_replace",
  "last_over_time",
  "ln",
  "log10",
  "log2",
  "max_over_time",
  "min_over_time",
  "minute",
  "month",
  "predict_linear",
  "present_over_time",
  "quantile_over_time",
  "rate",
  "resets",
  "round",
  "scalar",
  "sgn",
  "sort",
  "sort_desc",
  "sqrt",
  "stddev_over_time",
  "stdvar_over_time",
  "sum_over_time",
  "time",
  "timestamp",
  "vector",
  "year",
];

const KEYWORDS = [
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "offset",
  "bool",
  "and",
  "or",
  "unless",
  "atan2",
];

const TOKEN =
  /("(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`[^`]*`?)|(\[[^\]]*\]?|\b\d[\w.]*\b)|([A-Za-z_:][\w:]*)|([=!]~|[=!<>]=?|[-+*/%^(){},])|(#[^\n]*)/g;

export function highlightPromql(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  let inBraces = false;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), kind: "plain" });
    if (match[0] === "{") inBraces = true;
    if (match[0] === "}") inBraces = false;
    pieces.push({ text: match[0], kind: kindOf(match, inBraces) });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), kind: "plain" });
  return pieces;
}

function kindOf(match: RegExpMatchArray, inBraces: boolean): Piece["kind"] {
  const [, string, number, name] = match;
  if (string) return "string";
  if (number) return "number";
  if (!name) return "operator";
  if (inBraces) return "key";
  if (KEYWORDS.includes(name)) return "keyword";
  return AGGREGATIONS.includes(name) || FUNCTIONS.includes(name) ? "function" : "plain";
}

const MAX_ITEMS = 50;

export interface PromqlContext {
  range: Range;
  metadata: Readonly<Record<string, MetricMetadata[]>>;
}

/** Completes label values in quotes, label names in braces and `by (..)`, and metric names and functions elsewhere. */
export function promqlCompleter({ range, metadata }: PromqlContext) {
  return async (text: string, caret: number, signal: AbortSignal): Promise<Completion | null> => {
    const before = text.slice(0, caret);
    const value = /([A-Za-z_][\w:]*)?\{[^{}]*?([A-Za-z_]\w*)\s*(?:=~|!~|=|!=)\s*"([^"]*)$/.exec(before);
    if (value) {
      const [, metric, label = "", partial = ""] = value;
      const found = await fetchLabelValues(label, metric, range, signal);
      return limited(
        partial,
        caret,
        found.map((name) => ({ insert: name, label: name })),
      );
    }
    const inBraces = /([A-Za-z_][\w:]*)?\{[^{}"]*?(?:"[^"]*"[^{}"]*?)*?(\w*)$/.exec(before);
    if (inBraces) {
      const found = await fetchLabelNames(inBraces[1], range, signal);
      const items = found
        .filter((name) => name !== "__name__")
        .map((name) => ({ insert: `${name}="`, label: name, detail: "label" }));
      return limited(inBraces[2] ?? "", caret, items);
    }
    const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*?(\w*)$/.exec(before);
    if (grouping) {
      const found = await fetchLabelNames(undefined, range, signal);
      return limited(
        grouping[1] ?? "",
        caret,
        found.filter((name) => name !== "__name__").map((name) => ({ insert: name, label: name, detail: "label" })),
      );
    }
    const word = /([A-Za-z_:][\w:]*)?$/.exec(before)?.[1] ?? "";
    if (word === "" && before.trim() !== "" && !/[(,+*/%^<>=-]\s*$/.test(before)) return null;
    if (/\[\w*$/.test(before)) return null;
    const { names, more } = await findMetricNames(word, MAX_ITEMS, range, signal);
    const items: CompletionItem[] = [
      ...names.map((name) => ({ insert: name, label: name, detail: metadata[name]?.[0]?.type ?? "metric" })),
      ...AGGREGATIONS.map((name) => ({ insert: `${name}(`, label: name, detail: "aggregation" })),
      ...FUNCTIONS.map((name) => ({ insert: `${name}(`, label: name, detail: "function" })),
    ];
    const found = limited(word, caret, items);
    return more ? { ...found, note: `the first ${MAX_ITEMS} metrics, type to narrow` } : found;
  };
}

function limited(partial: string, caret: number, items: readonly CompletionItem[]): Completion {
  const wanted = partial.toLowerCase();
  const found = items.filter((item) => item.label.toLowerCase().includes(wanted) && item.label !== partial);
  const rank = (item: CompletionItem) => Number(!item.label.toLowerCase().startsWith(wanted));
  found.sort((a, b) => rank(a) - rank(b));
  return {
    from: caret - partial.length,
    to: caret,
    items: found.slice(0, MAX_ITEMS),
    ...(found.length > MAX_ITEMS ? { note: `showing ${MAX_ITEMS} of ${found.length}, type to narrow` } : {}),
  };
}

/** The query that shows a metric best: rate of counters, p95 of histograms, the value of gauges. */
export function queryFor(name: string, type: string): string {
  if (name.endsWith("_bucket")) return `histogram_quantile(0.95, sum by (le) (rate(${name}[5m])))`;
  if (type === "counter" || /_(total|count|sum)$/.test(name)) return `rate(${name}[5m])`;
  if (type === "histogram") return `histogram_quantile(0.95, sum(rate(${name}[5m])))`;
  return name;
}
