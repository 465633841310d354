// The query as a form: metric, conditions, a function over time, an aggregation. It edits the same text; what it cannot
// say is left to the text.

export const RANGE_FUNCTIONS = [
  "rate",
  "increase",
  "irate",
  "avg_over_time",
  "max_over_time",
  "min_over_time",
  "delta",
] as const;
export const AGGREGATIONS = ["sum", "avg", "max", "min", "count"] as const;

export interface Condition {
  label: string;
  operator: "=" | "!=" | "=~" | "!~";
  value: string;
}

export interface Built {
  metric: string;
  conditions: Condition[];
  /** Empty for the value as it is. */
  fn: (typeof RANGE_FUNCTIONS)[number] | "";
  window: string;
  /** Empty for the single series. */
  aggregation: (typeof AGGREGATIONS)[number] | "";
  by: string[];
  /** 0 to 1 of a histogram; null when it is none. */
  quantile: number | null;
}

export const EMPTY_QUERY: Built = {
  metric: "",
  conditions: [],
  fn: "",
  window: "5m",
  aggregation: "",
  by: [],
  quantile: null,
};

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const SELECTOR = new RegExp(`^(${NAME})\\s*(?:\\{((?:"(?:\\\\.|[^"\\\\])*"|[^{}"])*)\\})?\\s*(?:\\[(\\w+)\\])?$`);
const MATCHER = /\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"\s*(?:,|$)/gy;

export function writeBuilt(built: Built): string {
  const matchers = built.conditions
    .filter(({ label }) => label !== "")
    .map(({ label, operator, value }) => `${label}${operator}"${escape_(value)}"`);
  let text = built.metric + (matchers.length > 0 ? `{${matchers.join(", ")}}` : "");
  if (built.fn) text = `${built.fn}(${text}[${built.window}])`;
  const by = built.quantile !== null ? ["le", ...built.by.filter((name) => name !== "le")] : built.by;
  const aggregation = built.quantile !== null ? built.aggregation || "sum" : built.aggregation;
  if (aggregation) text = `${aggregation}${by.length > 0 ? ` by (${by.join(", ")})` : ""} (${text})`;
  if (built.quantile !== null) text = `histogram_quantile(${built.quantile}, ${text})`;
  return text;
}

function escape_(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function unescape_(value: string): string {
  return value.replace(/\\(["\\n])/g, (_, char: string) => (char === "n" ? "\n" : char));
}

/** Null when the text says more than the form can. */
export function readBuilt(text: string): Built | null {
  let rest = text.trim();
  if (rest === "") return EMPTY_QUERY;
  let quantile: number | null = null;
  const outer = /^histogram_quantile\(\s*(0?\.\d+|[01])\s*,\s*([\s\S]+)\)$/.exec(rest);
  if (outer) {
    quantile = Number(outer[1]);
    rest = (outer[2] ?? "").trim();
  }
  let aggregation: Built["aggregation"] = "";
  let by: string[] = [];
  const grouped = /^(\w+)\s*(?:by\s*\(([^()]*)\))?\s*\(([\s\S]+)\)$/.exec(rest);
  const known = AGGREGATIONS.find((name) => name === grouped?.[1]);
  if (grouped && known) {
    aggregation = known;
    by = names(grouped[2]);
    rest = (grouped[3] ?? "").trim();
    const behind = /^([\s\S]+?)\)\s*by\s*\(([^()]*)$/.exec(rest);
    if (behind) {
      // `sum(x) by (a)`: the grouping stands behind.
      rest = (behind[1] ?? "").trim();
      by = names(behind[2]);
    }
  }
  let fn: Built["fn"] = "";
  const call = /^(\w+)\(([\s\S]+)\)$/.exec(rest);
  const range = RANGE_FUNCTIONS.find((name) => name === call?.[1]);
  if (call && range) {
    fn = range;
    rest = (call[2] ?? "").trim();
  }
  const selector = SELECTOR.exec(rest);
  const conditions = readMatchers(selector?.[2] ?? "");
  const window = selector?.[3];
  if (!selector || !conditions || (window !== undefined) !== (fn !== "")) return null;
  if (quantile !== null) {
    if (!aggregation || !by.includes("le")) return null;
    by = by.filter((name) => name !== "le");
  }
  return { metric: selector[1] ?? "", conditions, fn, window: window ?? EMPTY_QUERY.window, aggregation, by, quantile };
}

function names(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

function readMatchers(text: string): Condition[] | null {
  const out: Condition[] = [];
  MATCHER.lastIndex = 0;
  while (MATCHER.lastIndex < text.trimEnd().length) {
    const match = MATCHER.exec(text);
    if (!match) return null;
    out.push({ label: match[1] ?? "", operator: match[2] as Condition["operator"], value: unescape_(match[3] ?? "") });
  }
  return out;
}
