// The analysis that the form edits: the pipe behind the filter, as text and as choices. What the form cannot say is
// left to the text, which is always the truth.

export const FUNCTIONS = ["count", "rate", "count_distinct", "avg", "min", "max", "sum", "p50", "p95", "p99"] as const;
export type Fn = (typeof FUNCTIONS)[number];

export interface Choices {
  fn: Fn;
  /** Empty where the function takes none. */
  field: string;
  by: readonly string[];
  overTime: boolean;
  limit: number;
}

export const DEFAULT_CHOICES: Choices = { fn: "count", field: "", by: ["service"], overTime: true, limit: 100 };

export function takesField(fn: Fn): boolean {
  return fn !== "count" && fn !== "rate";
}

/** `stats p95(duration) by http.route | limit 100`. */
export function writePipe({ fn, field, by, overTime, limit }: Choices): string {
  const call = `${fn}(${takesField(fn) ? key(field || "duration") : ""})`;
  const groups = by.map(key).join(", ");
  const stage = `${overTime ? "timeseries" : "stats"} ${call}${groups ? ` by ${groups}` : ""}`;
  return overTime ? stage : `${stage} | limit ${limit}`;
}

function key(name: string): string {
  return /^[\p{L}\p{N}_.-]+$/u.test(name) ? name : `"${name.replaceAll('"', '\\"')}"`;
}

const PIPE = /^(stats|timeseries)\s+(\w+)\(\s*([^()]*?)\s*\)(?:\s+by\s+([^|]+?))?\s*(?:\|\s*limit\s+(\d+)\s*)?$/;

/** Null when the text says more than the form can. */
export function readPipe(text: string): Choices | null {
  const match = PIPE.exec(text.trim());
  if (!match) return null;
  const [, stage, fn = "", field = "", by = "", limit] = match;
  const known = FUNCTIONS.find((name) => name === fn);
  if (!known || /bucket\s*\(/.test(by)) return null;
  const names = by === "" ? [] : by.split(",").map((name) => unquote(name.trim()));
  return {
    fn: known,
    field: unquote(field),
    by: names,
    overTime: stage === "timeseries",
    limit: limit ? Number(limit) : DEFAULT_CHOICES.limit,
  };
}

function unquote(name: string): string {
  return name.startsWith('"') && name.endsWith('"') ? name.slice(1, -1).replaceAll('\\"', '"') : name;
}
