// A heat map: the buckets of a histogram over time, in the room of a panel. Series that are no buckets are drawn as lines.
import { type ReactNode, useMemo } from "react";
import { bucketGrid } from "../../charts/bucket-grid.ts";
import { HeatMap } from "../../charts/HeatMap.tsx";
import type { Range } from "../../lib/time/range.ts";
import { guessUnit } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import type { Panel } from "./model.ts";
import styles from "./Panel.module.css";
import type { PanelSeries } from "./series.ts";
import { formatterFor } from "./units.ts";

export interface HeatPanelProps {
  panel: Panel;
  series: readonly PanelSeries[];
  range: Range;
  stepSeconds: number;
  children: ReactNode;
}

export function HeatPanel({ panel, series, range, stepSeconds, children }: HeatPanelProps) {
  const { zone, setRange } = useTime();
  const grid = useMemo(() => {
    const seconds = series.map(({ labels, times, values }) => ({
      labels,
      times: times.map((milli) => milli / 1000),
      values: values.map((value) => value ?? Number.NaN),
    }));
    return bucketGrid(seconds, range, stepSeconds);
  }, [series, range, stepSeconds]);
  if (!grid) return children;
  // The scale is that of the bounds, not of the counts per second.
  const expr = (series[0]?.expr ?? "").replace(/\b(rate|irate|increase)\b/g, "").replace(/_bucket/g, "");
  const unit = panel.unit || (guessUnit(expr) === "seconds" ? "s" : guessUnit(expr) === "bytes" ? "bytes" : "");
  const format = formatterFor(unit, panel.decimals, "");
  return (
    <div className={styles.chart}>
      <HeatMap
        label={panel.title}
        grid={grid}
        range={range}
        zone={zone}
        format={(value) => (Number.isFinite(value) ? format(value) : "\u221e")}
        menu={(rect, _, close) => (
          <button
            type="button"
            className="button small"
            onClick={() => {
              close();
              setRange({
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
