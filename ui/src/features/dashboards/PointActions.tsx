// What can be done with a point of a panel: the traces and log records of its labels around that time, and its query.
import { Link } from "@tanstack/react-router";
import type { ChartPoint } from "../../charts/LineChart.tsx";
import { term } from "../../lib/filter.ts";
import { absoluteRange } from "../../lib/time/range.ts";
import styles from "./Panel.module.css";
import type { PanelSeries } from "./series.ts";

const AROUND_STEPS = 2;

export interface PointActionsProps {
  point: ChartPoint;
  series: readonly PanelSeries[];
  stepSeconds: number;
}

export function PointActions({ point, series, stepSeconds }: PointActionsProps) {
  const found = series.find((each) => each.id === point.line.id);
  if (!found) return null;
  const around = absoluteRange({
    fromMilli: point.unixMilli - AROUND_STEPS * stepSeconds * 1000,
    toMilli: point.unixMilli + AROUND_STEPS * stepSeconds * 1000,
  });
  const { service } = found.labels;
  const q = service === undefined ? undefined : term("service", service);
  return (
    <div className={styles.pointActions}>
      <Link to="/traces" search={{ ...around, q }} className="button small">
        Traces
      </Link>
      <Link to="/logs" search={{ ...around, q }} className="button small">
        Logs
      </Link>
      <Link
        to="/explain"
        search={{ q, select: "status:error", sfrom: around.from, sto: around.to }}
        className="button small"
      >
        Explain
      </Link>
      <Link to="/metrics" search={{ q: found.expr }} className="button small">
        Metrics
      </Link>
    </div>
  );
}
