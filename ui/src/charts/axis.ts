// Ticks of time and value axes at round positions.
import { formatClock, formatDay, formatHourMinute } from "../lib/time/format.ts";
import { offsetMinutes, wallClock, type Zone } from "../lib/time/zone.ts";

const STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
];

export interface TimeTick {
  unixMilli: number;
  label: string;
}

/** Ticks on round wall-clock times of the zone, at most one per `minGapPx`. */
export function timeTicks(fromMilli: number, toMilli: number, widthPx: number, zone: Zone, minGapPx = 88): TimeTick[] {
  const span = (toMilli - fromMilli) / 1000;
  const wanted = Math.max(1, widthPx / minGapPx);
  const step = (STEPS_S.find((candidate) => span / candidate <= wanted) ?? 2_592_000) * 1000;
  const offset = offsetMinutes(fromMilli, zone) * 60_000;
  const first = Math.ceil((fromMilli + offset) / step) * step - offset;
  const ticks: TimeTick[] = [];
  for (let at = first; at <= toMilli; at += step) {
    const clock = wallClock(at, zone);
    const midnight = clock.hour === 0 && clock.minute === 0 && clock.second === 0;
    const label = midnight ? formatDay(at, zone) : step < 60_000 ? formatClock(at, zone) : formatHourMinute(at, zone);
    ticks.push({ unixMilli: at, label });
  }
  return ticks;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below `value`. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= value) return factor * power;
  return value;
}
