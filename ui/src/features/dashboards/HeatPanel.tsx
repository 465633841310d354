// A heat map: the buckets of a histogram over time, in the room of a panel. Series that are no buckets are drawn as lines.
import { type ReactNode, useMemo } from "react";
import { bucketGrid } from "../../charts/bucket-grid.ts";
import { BucketHeat, unitOfBounds } from "../../components/BucketHeat.tsx";
import type { Range } from "../../lib/time/range.ts";
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

const UNITS = { seconds: "s", bytes: "bytes" } as const;

export function HeatPanel({ panel, series, range, stepSeconds, children }: HeatPanelProps) {
  const grid = useMemo(() => {
    const seconds = series.map(({ labels, times, values }) => ({
      labels,
      times: times.map((milli) => milli / 1000),
      values: values.map((value) => value ?? Number.NaN),
    }));
    return bucketGrid(seconds, range, stepSeconds);
  }, [series, range, stepSeconds]);
  if (!grid) return children;
  const guessed = unitOfBounds(series[0]?.expr ?? "");
  const unit = panel.unit || (guessed === "seconds" || guessed === "bytes" ? UNITS[guessed] : "");
  return (
    <div className={styles.chart}>
      <BucketHeat label={panel.title} grid={grid} range={range} format={formatterFor(unit, panel.decimals, "")} />
    </div>
  );
}
