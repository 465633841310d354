// Statements without their values, so that a thousand keys of one shape are one line.

export interface Statement {
  text: string;
  system: string;
  namespace: string;
  operation: string;
  count: number;
  nanos: number;
  /** The slowest of those that were put together; quantiles do not add up. */
  p95Nanos: number;
  /** How many different texts it stands for. */
  variants: number;
  /** One of the texts as it was sent. */
  sample: string;
}

/** Quoted texts, numbers and ids become `?`; placeholders such as `$1` stay. */
export function normalise(text: string): string {
  return text
    .replace(/'(?:[^']|'')*'/g, "?")
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "?")
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b/gi, "?")
    .replace(/(?<![$\w.])\d+(?:\.\d+)?\b/g, "?")
    .replace(/(\?, ?)+\?/g, "?, ...");
}

export function mergeStatements(statements: readonly Statement[]): Statement[] {
  const out = new Map<string, Statement>();
  for (const each of statements) {
    const text = normalise(each.text);
    const key = [each.system, each.namespace, each.operation, text].join("\n");
    const there = out.get(key);
    if (!there) out.set(key, { ...each, text });
    else {
      there.count += each.count;
      there.nanos += each.nanos;
      there.variants += each.variants;
      there.p95Nanos = Math.max(there.p95Nanos, each.p95Nanos);
    }
  }
  return [...out.values()].sort((a, b) => b.nanos - a.nanos);
}
