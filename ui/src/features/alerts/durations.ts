// For how long something is kept quiet.
import { wallClock, type Zone } from "../../lib/time/zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface Chip {
  title: string;
  /** Unix milliseconds, from now. */
  end: (nowMilli: number, zone: Zone) => number;
}

const after = (milli: number) => (now: number) => now + milli;

export const CHIPS: readonly Chip[] = [
  { title: "30 min", end: after(30 * MINUTE) },
  { title: "1 h", end: after(HOUR) },
  { title: "2 h", end: after(2 * HOUR) },
  { title: "4 h", end: after(4 * HOUR) },
  { title: "until 09:00", end: nextMorning },
  { title: "1 d", end: after(24 * HOUR) },
  { title: "1 wk", end: after(168 * HOUR) },
];

const MORNING_HOUR = 9;

/** The next nine o'clock on the wall. */
export function nextMorning(now: number, zone: Zone): number {
  const { hour, minute, second } = wallClock(now, zone);
  const intoDay = hour * HOUR + minute * MINUTE + second * 1000 + (now % 1000);
  const today = now - intoDay + MORNING_HOUR * HOUR;
  return today > now ? today : today + 24 * HOUR;
}

/** A duration as rules write it: "90s", "5m", "1h30m"; null when it is none. */
export function parseSpan(text: string): number | null {
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text.trim())) return null;
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    seconds += Number(count) * (units[unit ?? "s"] ?? 1);
  return seconds;
}

/** "0s", "90s", "5m", "1h30m" */
export function writeSpan(seconds: number): string {
  if (seconds === 0) return "0s";
  let rest = Math.round(seconds);
  let out = "";
  for (const [size, unit] of [
    [86_400, "d"],
    [3600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) out += `${count}${unit}`;
  }
  return out;
}
