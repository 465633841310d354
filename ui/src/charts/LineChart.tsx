// Lines over time, drawn by uPlot. Gaps stay gaps, the bucket that is still filling is dashed, dragging chooses a range.
// The pointer or the arrow keys show the nearest lines; a click or Enter pins them with what can be done next.
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { serverNow } from "../api/client.ts";
import { formatInstant } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { type At, ChartTip } from "./ChartTip.tsx";
import { DataTable } from "./DataTable.tsx";
import styles from "./LineChart.module.css";
import { decimate } from "./m4.ts";
import { type Band, type Marker, plotOptions, type Threshold } from "./plot.ts";
import { incompleteBucket, inWords, type Line, type Mode, moveTo, stackUp } from "./series.ts";

export type { Line } from "./series.ts";

export interface Exemplar {
  /** Unix seconds. */
  time: number;
  value: number;
  href: string;
  /** "trace 4bf92f, 812 ms" */
  label: string;
}

/** Where the reader points: a line, and a place on it. */
export interface ChartPoint {
  line: Line;
  unixMilli: number;
  value: number;
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
  mode?: Mode;
  logY?: boolean;
  /** Distance of `times`; with it the bucket that is still filling is known. */
  stepSeconds?: number;
  /** The same lines of an earlier period on the same times, by id. */
  previous?: readonly Line[];
  thresholds?: readonly Threshold[];
  markers?: readonly Marker[];
  bands?: readonly Band[];
  exemplars?: readonly Exemplar[];
  /** What can be done with a point; every entry is a link. */
  actions?: (point: ChartPoint) => ReactNode;
}

const EXEMPLARS_MAX = 200;
const BEYOND_MAX = 12;
const HIT_PX = 24;
const SYNC_KEY = "page";
const SPEAK_MS = 500;
const NO_LINES: readonly Line[] = [];
const NO_THRESHOLDS: readonly Threshold[] = [];
const NO_MARKERS: readonly Marker[] = [];
const NO_BANDS: readonly Band[] = [];

export function LineChart(props: LineChartProps) {
  const { label, times, lines, range, zone, format, hidden, onSelect, mode = "line", logY = false } = props;
  const {
    previous = NO_LINES,
    thresholds = NO_THRESHOLDS,
    markers = NO_MARKERS,
    bands = NO_BANDS,
    stepSeconds,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<At | null>(null);
  const [pinned, setPinned] = useState<At | null>(null);
  const [asTable, setAsTable] = useState(false);
  const [active, setActive] = useState(0);
  const [width, setWidth] = useState(0);
  const select = useRef(onSelect);
  select.current = onSelect;
  const incomplete = useMemo(() => incompleteBucket(times, stepSeconds, serverNow()), [times, stepSeconds]);
  const visible = useMemo(() => lines.filter((line) => !hidden.has(line.id)), [lines, hidden]);

  const words = useMemo(() => inWords(label, visible, format), [label, visible, format]);

  const drawn = useMemo(() => {
    if (mode !== "stack") return lines.map((line) => line.values);
    const stacked = new Map(stackUp(visible).map((values, at) => [visible[at]?.id, values]));
    return lines.map((line) => stacked.get(line.id) ?? line.values.map(() => null));
  }, [lines, visible, mode]);

  const build = useCallback(() => {
    const element = box.current;
    if (!element || element.clientWidth === 0) return;
    plot.current?.destroy();
    const cut = (values: readonly (number | null)[]) =>
      incomplete && (mode === "line" || mode === "area" || mode === "stack")
        ? values.with(incomplete.index, null)
        : values;
    const columns = Math.max(1, element.clientWidth - 90);
    const all = [...drawn.map(cut), ...previous.map((line) => line.values)];
    const few = decimate(times, all, columns);
    const data = [few?.times ?? times, ...(few?.values ?? all)] as unknown as uPlot.AlignedData;
    const options = plotOptions({
      width: element.clientWidth,
      height: element.clientHeight,
      lines,
      drawn,
      times,
      previous,
      mode,
      logY,
      range,
      zone,
      format,
      hidden,
      incomplete,
      thresholds,
      markers,
      bands,
      syncKey: SYNC_KEY,
      onCursor: (chart) => {
        const { idx, left, top, event } = chart.cursor;
        if (idx === null || idx === undefined || left === undefined || left < 0) {
          setCursor(null);
          return;
        }
        // Decimated data has other places than the lines have: the time finds them.
        const at = few ? nearest(times, few.times[idx] ?? 0) : idx;
        setCursor({
          index: at,
          left: left + chart.bbox.left / devicePixelRatio,
          value: chart.posToVal(top ?? 0, "y"),
          follows: event === null || event === undefined,
        });
      },
      onSelect: (chosen) => select.current(chosen),
    });
    plot.current = new uPlot(options, data, element);
  }, [lines, drawn, times, previous, mode, logY, range, zone, format, hidden, incomplete, thresholds, markers, bands]);

  useEffect(() => {
    build();
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
      if (!plot.current) build();
      else plot.current.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    observer.observe(element);
    window.addEventListener("bellrock:theme", build);
    return () => {
      observer.disconnect();
      window.removeEventListener("bellrock:theme", build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [build]);
  // A pinned tip stands for data that is no longer shown.
  // biome-ignore lint/correctness/useExhaustiveDependencies: other times are another picture
  useEffect(() => setPinned(null), [times]);

  /** A cursor at a place of a line, as the pointer would have put it. */
  const cursorAt = (index: number, line: Line | undefined): At | null => {
    const chart = plot.current;
    const value = line?.values[index];
    if (!chart || value === null || value === undefined) return null;
    const left = chart.valToPos(times[index] ?? 0, "x");
    chart.setCursor({ left, top: chart.valToPos(value, "y") }, false);
    return { index, left: left + chart.bbox.left / devicePixelRatio, value, follows: false };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const line = visible[Math.min(active, visible.length - 1)];
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (event.key === "Escape" && (pinned || cursor)) {
      setPinned(null);
      setCursor(null);
    } else if (step !== 0 && line) {
      const from = cursor?.index ?? (step > 0 ? -1 : times.length);
      setCursor(cursorAt(moveTo(line.values, from, step * (event.shiftKey ? 10 : 1)), line));
    } else if ((event.key === "PageDown" || event.key === "PageUp") && visible.length > 0) {
      const next = (active + (event.key === "PageDown" ? 1 : -1) + visible.length) % visible.length;
      setActive(next);
      if (cursor) setCursor(cursorAt(cursor.index, visible[next]) ?? cursor);
    } else if (event.key === "Enter" && cursor) setPinned(cursor);
    else if (event.key === "I" && event.shiftKey) setAsTable(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  if (asTable) {
    return (
      <DataTable
        label={label}
        times={times}
        lines={visible}
        zone={zone}
        format={format}
        onClose={() => setAsTable(false)}
      />
    );
  }
  const shown = pinned ?? cursor;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the pinned values wherever the focus is inside
    <div
      className={styles.root}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !pinned) return;
        event.preventDefault();
        event.stopPropagation();
        setPinned(null);
      }}
    >
      <div
        ref={box}
        className={styles.plot}
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move over the values
        tabIndex={0}
        aria-label={words}
        onKeyDown={onKeyDown}
        onClick={() => {
          if (pinned) setPinned(null);
          else if (cursor) setPinned({ ...cursor, follows: false });
        }}
      />
      <Exemplars plot={plot.current} exemplars={props.exemplars} width={width} />
      {shown && (
        <ChartTip
          at={shown}
          pinned={pinned !== null}
          lines={visible}
          previous={previous}
          time={times[shown.index] ?? 0}
          zone={zone}
          format={format}
          width={width}
          stacked={mode === "stack"}
          incomplete={incomplete?.index === shown.index ? incomplete : null}
          actions={pinned ? props.actions : undefined}
          onClose={() => setPinned(null)}
        />
      )}
      <Spoken
        text={
          cursor && !cursor.follows
            ? speak(visible[Math.min(active, visible.length - 1)], cursor, times, zone, format)
            : ""
        }
      />
    </div>
  );
}

function nearest(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function speak(
  line: Line | undefined,
  at: At,
  times: readonly number[],
  zone: Zone,
  format: (value: number) => string,
): string {
  const value = line?.values[at.index];
  if (!line || value === null || value === undefined) return "";
  return `${line.label}: ${format(value)} at ${formatInstant((times[at.index] ?? 0) * 1000, zone, false)}`;
}

/** The value under the cursor, spoken at most twice a second. */
function Spoken({ text }: { text: string }) {
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(text), SPEAK_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <span className="sr-only" aria-live="polite">
      {spoken}
    </span>
  );
}

/** Diamonds over the plot: each is a link to a trace, with a larger area to hit. */
function Exemplars({
  plot,
  exemplars,
  width,
}: {
  plot: uPlot | null;
  exemplars: readonly Exemplar[] | undefined;
  width: number;
}) {
  if (!plot || !exemplars || width === 0) return null;
  const top = plot.scales.y?.max ?? Number.POSITIVE_INFINITY;
  const sorted = [...exemplars].sort((a, b) => b.value - a.value);
  // What is beyond the axis stands at its upper end; only a few, as they tell no height.
  const beyond = sorted.filter((exemplar) => exemplar.value > top).slice(0, BEYOND_MAX);
  const inside = sorted.filter((exemplar) => exemplar.value <= top).slice(0, EXEMPLARS_MAX);
  const placed: { exemplar: Exemplar; left: number; height: number }[] = [];
  for (const exemplar of [...beyond, ...inside]) {
    const left = plot.valToPos(exemplar.time, "x") + plot.bbox.left / devicePixelRatio;
    const height = plot.valToPos(Math.min(top, exemplar.value), "y") + plot.bbox.top / devicePixelRatio;
    const known = Number.isFinite(left) && Number.isFinite(height) && left >= plot.bbox.left / devicePixelRatio;
    // Each has room to be hit; of those that crowd the slowest stays.
    const crowded = placed.some(
      (each) => Math.max(Math.abs(each.left - left), Math.abs(each.height - height)) < HIT_PX,
    );
    if (known && !crowded) placed.push({ exemplar, left, height });
  }
  return placed.map(({ exemplar, left, height }) => {
    return (
      <a
        key={`${exemplar.href} ${exemplar.time}`}
        className={styles.exemplar}
        href={exemplar.href}
        title={exemplar.label}
        aria-label={exemplar.label}
        style={{ left, top: height }}
      >
        <i />
      </a>
    );
  });
}
