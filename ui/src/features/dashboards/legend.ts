// Names of series in legends: `{{label}}` filled in, or the labels themselves.
import type { Labels } from "../../api/prometheus.ts";

/** A label that a series does not have is said, never an empty name. */
export function legendOf(format: string, labels: Labels, expr: string): string {
  if (format.trim() === "") return labelText(labels) || expr;
  const filled = format.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name: string) => labels[name] ?? `(no ${name})`);
  return filled.trim() === "" ? expr : filled;
}

function labelText({ __name__: name = "", ...labels }: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return pairs.length > 0 ? `${name}{${pairs.join(", ")}}` : name;
}
