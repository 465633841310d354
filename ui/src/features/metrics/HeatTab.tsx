// The buckets of a classic histogram over time, as a heat map.
import { useMemo } from "react";
import { bucketGrid } from "../../charts/bucket-grid.ts";
import { BucketHeat, unitOfBounds } from "../../components/BucketHeat.tsx";
import { Empty } from "../../components/States.tsx";
import type { Range } from "../../lib/time/range.ts";
import { formatValue } from "../../lib/units.ts";
import type { Answer } from "./lines.ts";
import styles from "./MetricsPage.module.css";

export interface HeatTabProps {
  answer: Answer;
  text: string;
  range: Range;
  stepSeconds: number;
}

export function HeatTab({ answer, text, range, stepSeconds }: HeatTabProps) {
  const grid = useMemo(() => bucketGrid(answer.result.series, range, stepSeconds), [answer, range, stepSeconds]);
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
  const unit = unitOfBounds(text);
  return (
    <div className={styles.heat}>
      <BucketHeat label={text} grid={grid} range={range} format={(value) => formatValue(value, unit)} />
    </div>
  );
}
