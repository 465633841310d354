// The buckets of a classic histogram over time, as a heat map.
import { useMemo } from "react";
import { bucketGrid } from "../../charts/bucket-grid.ts";
import { HeatMap } from "../../charts/HeatMap.tsx";
import { Empty } from "../../components/States.tsx";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { formatValue, guessUnit } from "../../lib/units.ts";
import type { Answer } from "./lines.ts";
import styles from "./MetricsPage.module.css";

export interface HeatTabProps {
  answer: Answer;
  text: string;
  range: Range;
  stepSeconds: number;
  zone: Zone;
  onSelect: (range: Range) => void;
}

export function HeatTab({ answer, text, range, stepSeconds, zone, onSelect }: HeatTabProps) {
  const grid = useMemo(() => bucketGrid(answer.result.series, range, stepSeconds), [answer, range, stepSeconds]);
  const unit = guessUnit(text.replace(/\b(rate|irate|increase)\b/g, "").replace(/_bucket/g, ""));
  if (!grid) {
    return (
      <Empty reason="none" title="These are not the buckets of one histogram">
        <p>
          A heat map needs one series per <code>le</code>, as{" "}
          <code>sum by (le) (rate(http_request_duration_seconds_bucket[5m]))</code> gives.
        </p>
      </Empty>
    );
  }
  return (
    <div className={styles.heat}>
      <HeatMap
        label={text}
        grid={grid}
        range={range}
        zone={zone}
        format={(value) => (Number.isFinite(value) ? formatValue(value, unit) : "\u221e")}
        menu={(rect, _, close) => (
          <button
            type="button"
            className="button small"
            onClick={() => {
              close();
              onSelect({
                fromMilli: grid.startMilli + rect.left * grid.stepMilli,
                toMilli: grid.startMilli + (rect.right + 1) * grid.stepMilli,
              });
            }}
          >
            Zoom to this time
          </button>
        )}
      />
    </div>
  );
}
