// A lane of time: when something was inactive, pending or firing. Said in words for those who do not see it.
import { formatDuration, formatInstant } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { firingMilli, type Stretch } from "./lanes.ts";
import styles from "./StateLane.module.css";

export interface StateLaneProps {
  title: string;
  stretches: readonly Stretch[];
  range: Range;
  zone: Zone;
  /** Stands under the plot of a chart with an axis at its left. */
  underChart?: boolean;
}

export function StateLane({ title, stretches, range, zone, underChart = false }: StateLaneProps) {
  const length = range.toMilli - range.fromMilli;
  const place = (milli: number) => Math.min(100, Math.max(0, ((milli - range.fromMilli) / length) * 100));
  const firing = stretches.filter((each) => each.state === "firing");
  const words =
    firing.length === 0
      ? `${title}: did not fire`
      : `${title}: fired ${firing.length} ${firing.length === 1 ? "time" : "times"}, ${formatDuration(firingMilli(firing) * 1e6)} together`;
  return (
    <div className={styles.lane} role="img" aria-label={words} data-chart={underChart}>
      {stretches.map((each) => {
        const left = place(each.fromMilli);
        const width = Math.max(0.2, place(each.toMilli) - left);
        return (
          <i
            key={`${each.state} ${each.fromMilli}`}
            data-state={each.state}
            style={{ left: `${left}%`, width: `${width}%` }}
            title={`${each.state} ${formatInstant(each.fromMilli, zone, false)} – ${each.open ? "now" : formatInstant(each.toMilli, zone, false)}, ${formatDuration((each.toMilli - each.fromMilli) * 1e6)}`}
          />
        );
      })}
    </div>
  );
}

export function LaneKey() {
  return (
    <ul className={styles.key}>
      {(["firing", "pending", "inactive"] as const).map((state) => (
        <li key={state}>
          <i data-state={state} /> {state}
        </li>
      ))}
    </ul>
  );
}
