// What is wrong with the trace itself, each with its way out: missing parents, clocks that disagree.
import { AlertTriangle } from "lucide-react";
import { plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./Problems.module.css";
import type { Shift } from "./skew.ts";
import type { TraceTree } from "./tree.ts";

export interface ProblemsProps {
  tree: TraceTree;
  shifts: readonly Shift[];
  shifted: boolean;
  onShift: (on: boolean) => void;
  onOrphan: () => void;
}

export function Problems({ tree, shifts, shifted, onShift, onOrphan }: ProblemsProps) {
  if (tree.orphans === 0 && shifts.length === 0 && tree.skews === 0) return null;
  return (
    <ul className={styles.strip}>
      {tree.orphans > 0 && (
        <li>
          <AlertTriangle size={13} aria-hidden />
          {plural(tree.orphans, "span")} with a parent that is not stored: dropped by sampling, or still on its way
          <button type="button" className="button small" onClick={onOrphan}>
            Next
          </button>
        </li>
      )}
      {shifts.map((shift) => (
        <li key={shift.service}>
          <AlertTriangle size={13} aria-hidden />
          {shifted
            ? `${shift.service} is shifted by ${formatDuration(shift.nanos)}`
            : `${shift.service} starts before its caller (${plural(shift.spans, "span")}): the clocks differ by about ${formatDuration(shift.nanos)}`}
        </li>
      ))}
      {shifts.length > 0 && (
        <li>
          <button type="button" className="button small" aria-pressed={shifted} onClick={() => onShift(!shifted)}>
            {shifted ? "Show as sent" : "Correct the clocks"}
          </button>
        </li>
      )}
      {shifts.length === 0 && tree.skews > 0 && (
        <li>
          <AlertTriangle size={13} aria-hidden />
          {plural(tree.skews, "span")} starting before the parent in the same service
        </li>
      )}
    </ul>
  );
}
