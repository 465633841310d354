// A small chart with a title and a legend in one line: a few lines over time, without the table that explore has.
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { type Line, LineChart } from "../charts/LineChart.tsx";
import type { Marker } from "../charts/plot.ts";
import type { Range } from "../lib/time/range.ts";
import { formatValue, type Unit } from "../lib/units.ts";
import { useTime } from "../lib/view.ts";
import styles from "./TimePanel.module.css";

const NO_MARKERS: readonly Marker[] = [];

export interface TimePanelProps {
  title: string;
  /** Unix milliseconds. */
  times: readonly number[];
  lines: readonly Line[];
  unit: Unit;
  range: Range;
  markers?: readonly Marker[];
  links?: ReactNode;
  height?: number;
}

export function TimePanel({
  title,
  times,
  lines,
  unit,
  range,
  markers = NO_MARKERS,
  links,
  height = 168,
}: TimePanelProps) {
  const { zone, setRange } = useTime();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const seconds = useMemo(() => times.map((milli) => milli / 1000), [times]);
  const format = useCallback((value: number) => formatValue(value, unit), [unit]);
  const step = seconds.length > 1 ? (seconds[1] ?? 0) - (seconds[0] ?? 0) : 0;
  const toggle = (id: string) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    setHidden(next);
  };
  return (
    <section className={styles.panel} aria-label={title}>
      <header className={styles.head}>
        <h2 className="ellipsis">{title}</h2>
        <span className="grow" />
        {links}
      </header>
      <div className={styles.chart} style={{ height }}>
        <LineChart
          label={title}
          times={seconds}
          lines={lines}
          range={range}
          zone={zone}
          format={format}
          hidden={hidden}
          onSelect={setRange}
          markers={markers}
          {...(step > 0 ? { stepSeconds: step } : {})}
        />
      </div>
      {lines.length > 1 && (
        <ul className={styles.legend}>
          {lines.map((line) => (
            <li key={line.id}>
              <button
                type="button"
                className={styles.key}
                aria-pressed={!hidden.has(line.id)}
                onClick={() => toggle(line.id)}
                title={line.label}
              >
                <i style={{ background: line.colour }} />
                <span className="ellipsis">{line.label}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {markers.length > 0 && <p className={styles.markers}>{markers.map((marker) => marker.label).join(", ")}</p>}
    </section>
  );
}
