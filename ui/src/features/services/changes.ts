// What changed between two windows: operations by how much time they take now and took before.
import type { OperationFigures } from "../../api/services.ts";

export interface Change {
  name: string;
  kind: string;
  calls: number;
  callsBefore: number;
  p95Nanos: number;
  p95BeforeNanos: number;
  errorRatio: number;
  errorRatioBefore: number;
  /** Change of calls x median, in nanoseconds of work. */
  workNanos: number;
}

/** Operations by the size of the change of their work; p50 stands for the mean, which the figures do not have. */
export function changes(
  now: readonly OperationFigures[],
  before: readonly OperationFigures[],
  limit: number,
): Change[] {
  const key = (operation: OperationFigures) => `${operation.kind} ${operation.name}`;
  const old = new Map(before.map((operation) => [key(operation), operation]));
  const current = new Map(now.map((operation) => [key(operation), operation]));
  const all = [...new Set([...current.keys(), ...old.keys()])].map((id): Change => {
    const a = current.get(id);
    const b = old.get(id);
    const { name, kind } = (a ?? b) as OperationFigures;
    return {
      name,
      kind,
      calls: a?.calls ?? 0,
      callsBefore: b?.calls ?? 0,
      p95Nanos: a?.p95_nanos ?? 0,
      p95BeforeNanos: b?.p95_nanos ?? 0,
      errorRatio: a?.error_ratio ?? 0,
      errorRatioBefore: b?.error_ratio ?? 0,
      workNanos: work(a) - work(b),
    };
  });
  return all
    .sort((a, b) => Math.abs(b.workNanos) - Math.abs(a.workNanos) || a.name.localeCompare(b.name))
    .slice(0, limit);
}

function work(operation: OperationFigures | undefined): number {
  return operation ? operation.calls * operation.p50_nanos : 0;
}

/** "+12 %", "−3 %", "new", "gone", "" when nothing changed. */
export function describeDelta(now: number, before: number): string {
  if (before === 0) return now === 0 ? "" : "new";
  if (now === 0) return "gone";
  const percent = Math.round((now / before - 1) * 100);
  if (percent === 0) return "";
  return percent > 0 ? `+${percent} %` : `\u2212${-percent} %`;
}
