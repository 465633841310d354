// How instants and durations are written, everywhere: 24-hour clock, one space before the unit.
import type { UnixNanos } from "./nanos.ts";
import { nanosToMilli } from "./nanos.ts";
import type { Zone } from "./zone.ts";
import { wallClock } from "./zone.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** "14:07:03.123" */
export function formatClock(unixMilli: number, zone: Zone, withMilli = false): string {
  const c = wallClock(unixMilli, zone);
  const base = `${two(c.hour)}:${two(c.minute)}:${two(c.second)}`;
  return withMilli ? `${base}.${String(Math.floor(unixMilli % 1000)).padStart(3, "0")}` : base;
}

/** "14:07" */
export function formatHourMinute(unixMilli: number, zone: Zone): string {
  const c = wallClock(unixMilli, zone);
  return `${two(c.hour)}:${two(c.minute)}`;
}

/** "21 Aug" */
export function formatDay(unixMilli: number, zone: Zone): string {
  const c = wallClock(unixMilli, zone);
  return `${c.day} ${MONTHS[c.month - 1] ?? ""}`;
}

/** "21 Aug 14:07:03.123" */
export function formatInstant(unixMilli: number, zone: Zone, withMilli = true): string {
  return `${formatDay(unixMilli, zone)} ${formatClock(unixMilli, zone, withMilli)}`;
}

/** "2026-08-21 14:07:03.123456789": full precision, for details and tooltips. */
export function formatNanos(nanos: UnixNanos, zone: Zone): string {
  if (nanos === 0n) return "no time";
  const c = wallClock(nanosToMilli(nanos), zone);
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0");
  return `${c.year}-${two(c.month)}-${two(c.day)} ${two(c.hour)}:${two(c.minute)}:${two(c.second)}.${fraction}`;
}

const DURATION_UNITS: readonly [number, string][] = [
  [86_400e9, "d"],
  [3_600e9, "h"],
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "\u00b5s"],
  [1, "ns"],
];

/** Three significant digits: "842 ms", "1.24 s", "12.4 ms", "0 ns". */
export function formatDuration(nanos: number): string {
  if (nanos === 0) return "0 ms";
  const sign = nanos < 0 ? "\u2212" : "";
  const size = Math.abs(nanos);
  for (const [scale, unit] of DURATION_UNITS) {
    // 0.9995 of a unit already rounds up to one whole unit in three digits.
    if (size >= scale * 0.9995 || unit === "ns") return `${sign}${threeDigits(size / scale)} ${unit}`;
  }
  return `${sign}${size} ns`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  const text = value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
  return text.replace(/\.?0+$/, "");
}

/** "3 min ago", "in 5 s", "now". */
export function formatRelative(unixMilli: number, nowMilli: number): string {
  const delta = nowMilli - unixMilli;
  const size = Math.abs(delta);
  if (size < 1000) return "now";
  const text =
    size < 60_000
      ? `${Math.floor(size / 1000)} s`
      : size < 3_600_000
        ? `${Math.floor(size / 60_000)} min`
        : size < 86_400_000
          ? `${Math.floor(size / 3_600_000)} h`
          : `${Math.floor(size / 86_400_000)} d`;
  return delta > 0 ? `${text} ago` : `in ${text}`;
}
