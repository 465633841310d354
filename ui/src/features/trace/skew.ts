// Clocks that disagree: a child that starts before its parent. Whole services are shifted, by the least that puts most
// of their spans where they can be, and only when somebody asks for it.
import { buildTree, durationOf, serviceOf, type TraceTree } from "./tree.ts";

export interface Shift {
  service: string;
  /** Nanoseconds, added to the spans of the service. */
  nanos: number;
  spans: number;
}

/** For each service that is called too early: the median of what its spans lack. */
export function findShifts(tree: TraceTree): Shift[] {
  const lacks = new Map<string, number[]>();
  for (let i = 0; i < tree.count; i++) {
    const parent = tree.parent[i] ?? -1;
    if (tree.skewed[i] !== 1 || parent < 0 || tree.service[parent] === tree.service[i]) continue;
    // A child that fits is put in the middle of its parent, as the way there and back take about the same time.
    const room = Math.max(0, durationOf(tree, parent) - durationOf(tree, i));
    const lack = (tree.start[parent] ?? 0) + room / 2 - (tree.start[i] ?? 0);
    const service = serviceOf(tree, i);
    lacks.set(service, [...(lacks.get(service) ?? []), lack]);
  }
  return [...lacks].map(([service, list]) => {
    const sorted = list.sort((a, b) => a - b);
    return { service, nanos: sorted[Math.floor(sorted.length / 2)] ?? 0, spans: list.length };
  });
}

export function applyShifts(tree: TraceTree, shifts: readonly Shift[]): TraceTree {
  const by = tree.services.map((service) => shifts.find((shift) => shift.service === service)?.nanos ?? 0);
  const moved = (times: Float64Array, spanOf: (at: number) => number) =>
    times.map((time, at) => time + (by[tree.service[spanOf(at)] ?? 0] ?? 0));
  const start = moved(tree.start, (at) => at);
  const end = moved(tree.end, (at) => at);
  const eventTime = moved(tree.eventTime, (at) => tree.eventSpan[at] ?? 0);
  const first = start.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const base = Number.isFinite(first) ? first : 0;
  return buildTree({
    ...tree,
    startNanos: tree.startNanos + BigInt(Math.round(base)),
    start: start.map((at) => at - base),
    end: end.map((at) => at - base),
    eventTime: eventTime.map((at) => at - base),
  });
}
