// A time range as it stands in the URL (`from`, `to`) and as it is sent to the API (Unix milliseconds).
// URL grammar: `now`, `now-1h`, epoch milliseconds, compact ISO `20260821T140300Z`, or RFC 3339.
import { formatClock, formatDay, formatHourMinute } from "./format.ts";
import type { Zone } from "./zone.ts";

export interface RangeText {
  from: string;
  to: string;
}

/** Half-open: `from` is inside, `to` is not. */
export interface Range {
  fromMilli: number;
  toMilli: number;
}

export const DEFAULT_RANGE: RangeText = { from: "now-1h", to: "now" };

const UNIT_MILLI: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };
const UNIT_NAME: Record<string, string> = { s: "s", m: "min", h: "h", d: "d", w: "wk" };

/** Resolves one end of a range; `null` when the text is not an instant. */
export function resolveInstant(text: string, nowMilli: number): number | null {
  const relative = /^now(?:-(\d{1,6})([smhdw]))?$/.exec(text);
  if (relative) {
    const [, count, unit] = relative;
    return nowMilli - (count && unit ? Number(count) * (UNIT_MILLI[unit] ?? 0) : 0);
  }
  if (/^\d{12,14}$/.test(text)) return Number(text);
  const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?(?:\.?(\d{3}))?Z$/.exec(text);
  if (compact) {
    const [, y, mo, d, h, mi, s, ms] = compact;
    return Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s ?? 0), Number(ms ?? 0));
  }
  if (/^\d{4}-\d\d-\d\dT/.test(text)) {
    const parsed = Date.parse(text);
    return Number.isNaN(parsed) ? null : parsed;
  }
  return null;
}

/** `null` when either end is not an instant or the range is empty. */
export function resolveRange(text: RangeText, nowMilli: number): Range | null {
  const fromMilli = resolveInstant(text.from, nowMilli);
  const toMilli = resolveInstant(text.to, nowMilli);
  if (fromMilli === null || toMilli === null || fromMilli >= toMilli) return null;
  return { fromMilli, toMilli };
}

/** `20260821T140300.123Z`, without the fraction when it is zero. */
export function compactIso(unixMilli: number): string {
  const iso = new Date(Math.round(unixMilli)).toISOString();
  return iso.replaceAll("-", "").replaceAll(":", "").replace(".000Z", "Z");
}

export function absoluteRange(range: Range): RangeText {
  return { from: compactIso(range.fromMilli), to: compactIso(range.toMilli) };
}

export function isRelative(text: RangeText): boolean {
  return text.from.startsWith("now") || text.to.startsWith("now");
}

/** "Last 1 h", "3 h ago to 1 h ago" or "21 Aug 14:00 - 15:30". */
export function describeRange(text: RangeText, range: Range, zone: Zone): string {
  const from = /^now-(\d+)([smhdw])$/.exec(text.from);
  if (from && text.to === "now") return `Last ${from[1]} ${UNIT_NAME[from[2] ?? ""] ?? ""}`;
  const to = /^now-(\d+)([smhdw])$/.exec(text.to);
  if (from && to) return `${from[1]} ${UNIT_NAME[from[2] ?? ""]} ago to ${to[1]} ${UNIT_NAME[to[2] ?? ""]} ago`;
  const sameDay = formatDay(range.fromMilli, zone) === formatDay(range.toMilli, zone);
  const short = range.toMilli - range.fromMilli < 600_000;
  const clock = short ? formatClock : formatHourMinute;
  const end =
    text.to === "now" ? "now" : `${sameDay ? "" : `${formatDay(range.toMilli, zone)} `}${clock(range.toMilli, zone)}`;
  return `${formatDay(range.fromMilli, zone)} ${clock(range.fromMilli, zone)} \u2013 ${end}`;
}

/** Moves a range by a fraction of its length: -0.5 is half a window back. A relative range becomes absolute. */
export function shiftRange(range: Range, fraction: number): Range {
  const delta = (range.toMilli - range.fromMilli) * fraction;
  return { fromMilli: range.fromMilli + delta, toMilli: range.toMilli + delta };
}

/** Doubles the range around its centre, but never into the future by more than it already was. */
export function zoomOut(range: Range, nowMilli: number): Range {
  const length = range.toMilli - range.fromMilli;
  const toMilli = Math.min(range.toMilli + length / 2, Math.max(nowMilli, range.toMilli));
  return { fromMilli: toMilli - length * 2, toMilli };
}
