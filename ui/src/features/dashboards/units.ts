// Units of panels: Grafana's names, UCUM, or guessed from the query when the panel sets none.
import { formatPercent, formatShort } from "../../lib/number.ts";
import { formatBytes, formatValue, guessUnit } from "../../lib/units.ts";

type Format = (value: number) => string;

const seconds: Format = (value) => formatValue(value, "seconds");
const plain: Format = (value) => formatShort(value);
const decimalBytes: Format = (value) => `${formatShort(value)}B`;

const FORMATS: Readonly<Record<string, Format>> = {
  short: plain,
  none: plain,
  locale: plain,
  s: seconds,
  dtdurations: seconds,
  ms: (value) => seconds(value / 1e3),
  us: (value) => seconds(value / 1e6),
  "\u00b5s": (value) => seconds(value / 1e6),
  ns: (value) => seconds(value / 1e9),
  m: (value) => seconds(value * 60),
  h: (value) => seconds(value * 3600),
  d: (value) => seconds(value * 86_400),
  bytes: formatBytes,
  By: formatBytes,
  kbytes: (value) => formatBytes(value * 1024),
  mbytes: (value) => formatBytes(value * 2 ** 20),
  decbytes: decimalBytes,
  binBps: (value) => `${formatBytes(value)}/s`,
  Bps: (value) => `${formatBytes(value)}/s`,
  "By/s": (value) => `${formatBytes(value)}/s`,
  bps: (value) => `${formatShort(value)}bit/s`,
  percent: (value) => `${formatShort(value)} %`,
  percentunit: formatPercent,
  "1": plain,
  ops: (value) => `${formatShort(value)}/s`,
  reqps: (value) => `${formatShort(value)}/s`,
  rps: (value) => `${formatShort(value)}/s`,
  cps: (value) => `${formatShort(value)}/s`,
  wps: (value) => `${formatShort(value)}/s`,
  iops: (value) => `${formatShort(value)}/s`,
  hertz: (value) => `${formatShort(value)}Hz`,
  bool: (value) => (value === 0 ? "False" : "True"),
  bool_yes_no: (value) => (value === 0 ? "No" : "Yes"),
  bool_on_off: (value) => (value === 0 ? "Off" : "On"),
  celsius: (value) => `${formatShort(value)} °C`,
};

/** Names that the editor offers. */
export const UNIT_NAMES = ["", "short", "s", "ms", "bytes", "Bps", "percentunit", "percent", "ops"] as const;

export function formatterFor(unit: string, decimals: number | null, expr: string): Format {
  const known = FORMATS[unit];
  if (unit !== "" && !known) return (value) => `${withDecimals(value, decimals, plain)} ${unit}`;
  if (known) return known === plain ? (value) => withDecimals(value, decimals, plain) : known;
  if (isRatio(expr)) return formatPercent;
  const guessed = guessUnit(expr);
  return (value) => (guessed === "none" ? withDecimals(value, decimals, plain) : formatValue(value, guessed));
}

function withDecimals(value: number, decimals: number | null, otherwise: Format): string {
  return decimals === null || !Number.isFinite(value)
    ? otherwise(value)
    : value.toFixed(Math.min(10, Math.max(0, decimals)));
}

/** One sum of rates over another one of the same unit: a share. */
function isRatio(expr: string): boolean {
  const bare = expr.replace(/"[^"]*"/g, "").replace(/\{[^}]*\}/g, "");
  const parts = bare.split(/\)\s*\/\s*\(?/);
  return (
    parts.length === 2 && parts.every((part) => /\b(rate|increase)\s*\(/.test(part)) && !/_(sum|bucket)\b/.test(bare)
  );
}
