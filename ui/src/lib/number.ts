// Numbers for people: thin thousands separators, short forms, percentages.

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** "3,204,118" */
export function formatCount(value: number): string {
  return GROUPED.format(value);
}

const SHORT: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** "3.2 M", "412", "0.05" */
export function formatShort(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "\u2212Inf";
  const size = Math.abs(value);
  for (const [scale, suffix] of SHORT) if (size >= scale * 0.9995) return `${significant(value / scale)} ${suffix}`;
  return size !== 0 && size < 0.001 ? value.toExponential(2) : significant(value);
}

/** Seconds of a unit, its name, and below how many of it the next one is taken. */
const RATES: readonly [number, string, number][] = [
  [1, "s", 0.01],
  [60, "min", 0.1],
];

/** Of so many per second: "3.2/s", or "6/min" and "2/h" where a second has too few to be read. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0 || !Number.isFinite(perSecond)) return `${formatShort(perSecond)}/s`;
  for (const [seconds, unit, least] of RATES) {
    if (Math.abs(perSecond) * seconds >= least) return `${formatShort(perSecond * seconds)}/${unit}`;
  }
  const perHour = perSecond * 3600;
  return Math.abs(perHour) < 0.01 ? "<0.01/h" : `${formatShort(perHour)}/h`;
}

function significant(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
  return value
    .toFixed(digits)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "")
    .replace("-", "\u2212");
}

/** A ratio of 0 to 1 as "0 %", "0.4 %", "12 %". */
export function formatPercent(ratio: number): string {
  const percent = ratio * 100;
  if (percent === 0) return "0 %";
  if (percent < 0.1) return "<0.1 %";
  return `${percent < 10 ? percent.toFixed(1).replace(/\.0$/, "") : Math.round(percent)} %`;
}

/** "1 span", "3 spans" */
export function plural(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
}
