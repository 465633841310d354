// Units of metric values: guessed from the query, written in words people read.
import { formatPercent, formatShort } from "./number.ts";
import { formatDuration } from "./time/format.ts";

export type Unit = "seconds" | "bytes" | "bytes/s" | "ratio" | "per-second" | "none";

/** The unit of the result of a PromQL expression, from the metric name and the outermost functions. */
export function guessUnit(query: string): Unit {
  const isRate = /\b(rate|irate)\s*\(/.test(query);
  if (/histogram_quantile\s*\(/.test(query))
    return /_seconds/.test(query) ? "seconds" : /_bytes/.test(query) ? "bytes" : "none";
  if (/[^/]\/[^/]/.test(query.replace(/"[^"]*"/g, "").replace(/\{[^}]*\}/g, "")))
    return isRate && /_sum/.test(query) && /_seconds/.test(query) ? "seconds" : "none";
  if (/_bytes(_total)?\b/.test(query)) return isRate ? "bytes/s" : "bytes";
  if (isRate) return "per-second";
  if (/_seconds\b/.test(query) && !/_seconds_(count|bucket)/.test(query)) return "seconds";
  if (/_(ratio|utilization)\b/.test(query)) return "ratio";
  return "none";
}

const BINARY: readonly [number, string][] = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
];

export function formatBytes(value: number): string {
  for (const [scale, suffix] of BINARY) {
    if (Math.abs(value) >= scale) return `${formatShort(value / scale)} ${suffix}`;
  }
  return `${formatShort(value)} B`;
}

export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return formatShort(value);
  switch (unit) {
    case "seconds":
      return value === 0 ? "0 s" : formatDuration(value * 1e9);
    case "bytes":
      return formatBytes(value);
    case "bytes/s":
      return `${formatBytes(value)}/s`;
    case "ratio":
      return formatPercent(value);
    case "per-second":
      return `${formatShort(value)}/s`;
    case "none":
      return formatShort(value);
  }
}
