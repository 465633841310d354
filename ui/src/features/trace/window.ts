// The part of a trace that is shown: a window in nanoseconds after its start, never narrower than one nanosecond.

export interface Window {
  start: number;
  end: number;
}

export function wholeTrace(duration: number): Window {
  return { start: 0, end: duration };
}

/** Keeps a window inside the trace, preserving its length where possible. */
export function clampWindow({ start, end }: Window, duration: number): Window {
  const length = Math.min(duration, Math.max(1, end - start));
  const from = Math.min(Math.max(0, start), duration - length);
  return { start: from, end: from + length };
}

/** Zooms by `factor` (below 1 zooms in) around a point that stays where it is on the screen. */
export function zoomAt(window: Window, at: number, factor: number, duration: number): Window {
  const share = (at - window.start) / (window.end - window.start);
  const length = Math.min(duration, Math.max(1, (window.end - window.start) * factor));
  return clampWindow({ start: at - share * length, end: at + (1 - share) * length }, duration);
}

export function panBy(window: Window, share: number, duration: number): Window {
  const delta = (window.end - window.start) * share;
  return clampWindow({ start: window.start + delta, end: window.end + delta }, duration);
}

export interface Tick {
  at: number;
  label: string;
}

const UNITS: readonly [number, string][] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "\u00b5s"],
  [1, "ns"],
];

/** Round ticks with one unit for all labels, so they can be compared. */
export function rulerTicks({ start, end }: Window, count: number): Tick[] {
  const raw = Math.max(1, (end - start) / Math.max(1, count));
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power);
  const [scale, unit] = UNITS.find(([size]) => end >= size) ?? [1, "ns"];
  const digits = Math.max(0, -Math.floor(Math.log10(step / scale) + 1e-9));
  const ticks: Tick[] = [];
  for (let at = Math.ceil(start / step) * step; at <= end; at += step) {
    ticks.push({ at, label: `${(at / scale).toFixed(digits)} ${unit}` });
  }
  return ticks;
}
