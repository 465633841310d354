// Durations as PromQL writes them.

const UNITS: readonly [number, string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
];

/** "90s", "5m", "1h"; the largest unit that divides it. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  for (const [scale, unit] of UNITS) if (whole % scale === 0) return `${whole / scale}${unit}`;
  return `${whole}s`;
}

const ROUND_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
const POINTS = 240;

/** A round step with which a range has about as many points as a panel can show. */
export function stepFor(rangeSeconds: number): number {
  return ROUND_S.find((step) => step >= rangeSeconds / POINTS) ?? 86_400;
}
