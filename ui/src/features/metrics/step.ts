// The resolution of a graph: about one point per four pixels, never finer than a second, on round steps.
import type { Range } from "../../lib/time/range.ts";

const POINTS = 300;
const ROUND_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

/** Seconds. */
export function autoStep(range: Range): number {
  const wanted = (range.toMilli - range.fromMilli) / 1000 / POINTS;
  return ROUND_S.find((step) => step >= wanted) ?? 86400;
}

/** Seconds of a step such as `15s` or `1h`; null when it is not one. */
export function parseStep(text: string | undefined): number | null {
  const match = /^(\d{1,5})([smhd])$/.exec(text ?? "");
  if (!match) return null;
  const scale = { s: 1, m: 60, h: 3600, d: 86400 }[match[2] ?? ""] ?? 1;
  return Number(match[1]) * scale || null;
}
