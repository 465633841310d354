// Lines over time, drawn by uPlot. Gaps stay gaps, dragging chooses a range, the pointer shows the nearest series.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { resolveColour } from "../lib/colour.ts";
import { formatInstant } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { timeTicks } from "./axis.ts";
import styles from "./LineChart.module.css";

export interface Line {
  id: string;
  label: string;
  /** CSS colour or variable. */
  colour: string;
  /** Same length as `times`; null is a gap. */
  values: readonly (number | null)[];
}

export interface LineChartProps {
  label: string;
  /** Unix seconds, ascending. */
  times: readonly number[];
  lines: readonly Line[];
  range: Range;
  zone: Zone;
  format: (value: number) => string;
  /** Lines that are not drawn. */
  hidden: ReadonlySet<string>;
  onSelect: (range: Range) => void;
}

const MAX_TIP_LINES = 8;
const Y_AXIS_PX = 72;

export function LineChart({ label, times, lines, range, zone, format, hidden, onSelect }: LineChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<{ index: number; left: number; top: number } | null>(null);
  const select = useRef(onSelect);
  select.current = onSelect;
  const data = useMemo<uPlot.AlignedData>(
    () => [times as number[], ...lines.map((line) => line.values as (number | null)[])],
    [times, lines],
  );

  const build = useCallback(() => {
    const element = box.current;
    if (!element) return;
    plot.current?.destroy();
    const colour = (name: string) => resolveColour(`var(${name})`);
    const grid = { stroke: colour("--line"), width: 1 };
    const text = { stroke: colour("--faint"), font: "11px Inter, system-ui, sans-serif", ticks: { show: false } };
    const options: uPlot.Options = {
      width: element.clientWidth,
      height: element.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
      scales: {
        x: { time: false, range: [range.fromMilli / 1000, range.toMilli / 1000] },
        y: { range: (_, min, max) => valueRange(min, max) },
      },
      axes: [
        {
          ...text,
          grid,
          size: 26,
          splits: (chart) =>
            timeTicks(range.fromMilli, range.toMilli, chart.bbox.width / devicePixelRatio, zone).map(
              (tick) => tick.unixMilli / 1000,
            ),
          values: (chart, splits) => {
            const ticks = timeTicks(range.fromMilli, range.toMilli, chart.bbox.width / devicePixelRatio, zone);
            return splits.map((_, index) => ticks[index]?.label ?? "");
          },
        },
        { ...text, grid, size: Y_AXIS_PX, space: 34, values: (_, splits) => splits.map((value) => format(value)) },
      ],
      series: [
        {},
        ...lines.map((line, index) => ({
          label: line.label,
          stroke: resolveColour(line.colour),
          width: 1.5,
          // Beyond ten series colours repeat; dashes tell them apart.
          ...(index >= 10 ? { dash: index >= 20 ? [2, 3] : [6, 4] } : {}),
          show: !hidden.has(line.id),
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: {
        setCursor: [
          (chart) => {
            const { idx, left, top } = chart.cursor;
            setCursor(
              idx === null || idx === undefined || left === undefined || left < 0
                ? null
                : { index: idx, left: left + chart.bbox.left / devicePixelRatio, top: top ?? 0 },
            );
          },
        ],
        setSelect: [
          (chart) => {
            const { left, width } = chart.select;
            if (width < 4) return;
            const from = chart.posToVal(left, "x") * 1000;
            const to = chart.posToVal(left + width, "x") * 1000;
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            select.current({ fromMilli: from, toMilli: to });
          },
        ],
      },
    };
    plot.current = new uPlot(options, data, element);
  }, [data, lines, range, zone, format, hidden]);

  useEffect(() => {
    build();
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    window.addEventListener("bellrock:theme", build);
    return () => {
      observer.disconnect();
      window.removeEventListener("bellrock:theme", build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [build]);

  const shown = lines.filter((line) => !hidden.has(line.id));
  return (
    <div
      className={styles.root}
      role="img"
      aria-label={`${label}: ${shown.length} series; the legend below has their values`}
    >
      <div ref={box} className={styles.plot} />
      {cursor && (
        <Tip
          lines={shown}
          cursor={cursor}
          time={times[cursor.index] ?? 0}
          zone={zone}
          format={format}
          plot={plot.current}
        />
      )}
    </div>
  );
}

/** From zero for values that do not go below it, with a little room above. */
function valueRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const low = min >= 0 ? 0 : min * 1.05;
  const high = max <= 0 ? 0 : max * 1.08;
  return low === high ? [low, low + 1] : [low, high];
}

interface TipProps {
  lines: readonly Line[];
  cursor: { index: number; left: number; top: number };
  time: number;
  zone: Zone;
  format: (value: number) => string;
  plot: uPlot | null;
}

/** The nearest lines to the pointer, sorted by value; the very nearest is bold. */
function Tip({ lines, cursor, time, zone, format, plot }: TipProps) {
  const atPointer = plot?.posToVal(cursor.top, "y") ?? 0;
  const values = lines.flatMap((line) => {
    const value = line.values[cursor.index];
    return value === null || value === undefined ? [] : [{ line, value, distance: Math.abs(value - atPointer) }];
  });
  if (values.length === 0) return null;
  const nearest = values.sort((a, b) => a.distance - b.distance).slice(0, MAX_TIP_LINES);
  const first = nearest[0];
  const width = plot?.width ?? 0;
  return (
    <div className={styles.tip} data-side={cursor.left > width / 2 ? "left" : "right"} style={{ left: cursor.left }}>
      <div className="muted">{formatInstant(time * 1000, zone, false)}</div>
      {[...nearest]
        .sort((a, b) => b.value - a.value)
        .map(({ line, value }) => (
          <div key={line.id} className={styles.tipRow} data-nearest={line === first?.line}>
            <i style={{ background: line.colour }} />
            <span className={styles.tipName}>{line.label}</span>
            <span>{format(value)}</span>
          </div>
        ))}
      {values.length > MAX_TIP_LINES && (
        <div className="faint">
          nearest {MAX_TIP_LINES} of {values.length}
        </div>
      )}
    </div>
  );
}
