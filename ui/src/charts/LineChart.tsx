// Lines over time, drawn by uPlot. Gaps stay gaps, the bucket that is still filling is dashed, dragging chooses a range.
// The pointer or the arrow keys show the nearest lines; a click or Enter pins them with what can be done next.
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { serverNow } from "../api/client.ts";
import { createStore, type Store, useStore } from "../lib/store.ts";
import { formatInstant } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { type At, ChartTip, type ChartTipProps } from "./ChartTip.tsx";
import { DataTable } from "./DataTable.tsx";
import { type Exemplar, Exemplars } from "./Exemplars.tsx";
import styles from "./LineChart.module.css";
import { decimate } from "./m4.ts";
import { type Band, FOCUS_LINES_MAX, type Marker, type PlotInput, plotOptions, type Threshold } from "./plot.ts";
import { incompleteBucket, inWords, type Line, type Mode, moveTo, scaleOf, stackUp, writerOf } from "./series.ts";
import { inTurn } from "./turns.ts";

export type { Exemplar } from "./Exemplars.tsx";
export type { Line } from "./series.ts";

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

const SYNC_KEY = "page";
const SPEAK_MS = 500;
const REST_MS = 90;
const NO_LINES: readonly Line[] = [];
const NO_THRESHOLDS: readonly Threshold[] = [];
const NO_MARKERS: readonly Marker[] = [];
const NO_BANDS: readonly Band[] = [];

export function LineChart(props: LineChartProps) {
  const { label, times, lines, range, zone, format, hidden, onSelect, mode = "line", logY = false } = props;
  const { previous = NO_LINES, thresholds = NO_THRESHOLDS, markers = NO_MARKERS, bands = NO_BANDS } = props;
  const { stepSeconds } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  /** Outside of React: the pointer moves over all charts of a page at once, and only what it shows is drawn then. */
  const [cursor] = useState(() => createStore<At | null>(null));
  const [pinned, setPinned] = useState<At | null>(null);
  const [asTable, setAsTable] = useState(false);
  const [active, setActive] = useState(0);
  const [width, setWidth] = useState(0);
  /** Counts drawings: exemplars stand on the axes as they are then. */
  const [, setPlotted] = useState(0);
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

  /** What the plot reads when it draws: new data is put here, the plot stays. */
  const live = useRef<PlotInput & { few: readonly number[] | null }>(null);
  // A plot with other lines, or drawn in another way, is another plot.
  const shape = useMemo(
    () =>
      JSON.stringify([
        mode,
        logY,
        zone,
        lines.map((line) => [line.id, line.label, line.colour, line.axis?.key]),
        [...hidden],
      ]) + previous.map((line) => line.id).join(),
    [mode, logY, zone, lines, hidden, previous],
  );
  const drawnShape = useRef("");

  const resting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const rest = useCallback((run: () => void) => {
    clearTimeout(resting.current);
    resting.current = setTimeout(run, REST_MS);
  }, []);
  const build = useCallback(
    (again: boolean) => {
      const element = box.current;
      if (!element || element.clientWidth === 0) return;
      const started = performance.now();
      const cut = (values: readonly (number | null)[]) =>
        incomplete && (mode === "line" || mode === "area" || mode === "stack")
          ? values.with(incomplete.index, null)
          : values;
      const columns = Math.max(1, element.clientWidth - 90);
      const all = [...drawn.map(cut), ...previous.map((line) => line.values)];
      const few = decimate(times, all, columns);
      const data = [few?.times ?? times, ...(few?.values ?? all)] as unknown as uPlot.AlignedData;
      const input = {
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
        few: few?.times ?? null,
        onCursor: (chart: uPlot) => {
          const at = placeOf(chart, live.current?.times ?? [], live.current?.few ?? null);
          cursor.set(at);
          if (live.current && live.current.lines.length > FOCUS_LINES_MAX)
            rest(() => bringOut(chart, live.current, at));
        },
        onSelect: (chosen: Range) => select.current(chosen),
      };
      if (plot.current && live.current && !again && drawnShape.current === shape) {
        Object.assign(live.current, input);
        plot.current.setData(data);
      } else {
        plot.current?.destroy();
        live.current = input;
        plot.current = new uPlot(plotOptions(live.current), data, element);
        drawnShape.current = shape;
      }
      performance.clearMeasures("chart-draw");
      const points = (data[0]?.length ?? 0) * (data.length - 1);
      performance.measure("chart-draw", { start: started, detail: { points } });
      setPlotted((n) => n + 1);
    },
    // biome-ignore format: one line
    [lines, drawn, times, previous, mode, logY, range, zone, format, hidden, incomplete, thresholds, markers, bands, shape, cursor, rest],
  );
  useEffect(() => () => clearTimeout(resting.current), []);
  const latest = useRef(build);
  latest.current = build;

  useEffect(() => inTurn(() => build(false)), [build]);
  useEffect(() => {
    const element = box.current;
    if (asTable || !element) return;
    const again = () => latest.current(true);
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
      if (plot.current) plot.current.setSize({ width: element.clientWidth, height: element.clientHeight });
      else if (element.clientWidth > 0) inTurn(() => plot.current ?? latest.current(false));
    });
    observer.observe(element);
    window.addEventListener("bellrock:theme", again);
    return () => {
      observer.disconnect();
      window.removeEventListener("bellrock:theme", again);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [asTable]);
  // A pinned tip stands for data that is no longer shown.
  // biome-ignore lint/correctness/useExhaustiveDependencies: other times are another picture
  useEffect(() => setPinned(null), [times]);

  /** A cursor at a place of a line, as the pointer would have put it. */
  const cursorAt = (index: number, line: Line | undefined): At | null => {
    const chart = plot.current;
    const value = line?.values[index];
    if (!chart || !line || value === null || value === undefined) return null;
    const left = chart.valToPos(times[index] ?? 0, "x");
    chart.setCursor({ left, top: chart.valToPos(value, scaleOf(line)) }, false);
    const onMain = mainOf(chart);
    const place = left + chart.bbox.left / devicePixelRatio;
    return { index, left: place, value: onMain(line, value), onMain, follows: false };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const line = visible[Math.min(active, visible.length - 1)];
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const at = cursor.get();
    if (event.key === "Escape" && (pinned || at)) {
      setPinned(null);
      cursor.set(null);
    } else if (step !== 0 && line) {
      const from = at?.index ?? (step > 0 ? -1 : times.length);
      cursor.set(cursorAt(moveTo(line.values, from, step * (event.shiftKey ? 10 : 1)), line));
    } else if ((event.key === "PageDown" || event.key === "PageUp") && visible.length > 0) {
      const next = (active + (event.key === "PageDown" ? 1 : -1) + visible.length) % visible.length;
      setActive(next);
      if (at) cursor.set(cursorAt(at.index, visible[next]) ?? at);
    } else if (event.key === "Enter" && at) setPinned(at);
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
          const at = cursor.get();
          if (pinned) setPinned(null);
          else if (at) setPinned({ ...at, follows: false });
        }}
      />
      {plot.current && props.exemplars && width > 0 && <Exemplars plot={plot.current} exemplars={props.exemplars} />}
      <CursorTip
        cursor={cursor}
        pinned={pinned}
        lines={visible}
        previous={previous}
        times={times}
        zone={zone}
        format={format}
        width={width}
        stacked={mode === "stack"}
        incomplete={incomplete}
        actions={props.actions}
        active={visible[Math.min(active, visible.length - 1)]}
        onClose={() => setPinned(null)}
      />
    </div>
  );
}

/** Where the pointer is on the data as it came; what is drawn may be fewer values. */
function placeOf(chart: uPlot, times: readonly number[], few: readonly number[] | null): At | null {
  const { idx, left, top, event } = chart.cursor;
  if (idx === null || idx === undefined || left === undefined || left < 0) return null;
  return {
    index: few ? nearest(times, few[idx] ?? 0) : idx,
    left: left + chart.bbox.left / devicePixelRatio,
    value: chart.posToVal(top ?? 0, "y"),
    onMain: mainOf(chart),
    follows: event === null || event === undefined,
  };
}

function mainOf(chart: uPlot): At["onMain"] {
  return (line, value) => (line.axis ? chart.posToVal(chart.valToPos(value, scaleOf(line)), "y") : value);
}

/** The line nearest to the pointer at full strength, the others pale; all at full strength when it has left. */
function bringOut(chart: uPlot, input: PlotInput | null, at: At | null): void {
  if (!input || !chart.root.isConnected) return;
  let best = -1;
  let distance = Number.POSITIVE_INFINITY;
  if (at && !at.follows) {
    input.lines.forEach((line, place) => {
      const value = input.drawn[place]?.[at.index];
      if (value === null || value === undefined || input.hidden.has(line.id)) return;
      const away = Math.abs(at.onMain(line, value) - at.value);
      if (away >= distance) return;
      best = place;
      distance = away;
    });
  }
  if (best < 0) chart.setSeries(null, { focus: false });
  else chart.setSeries(best + 1, { focus: true });
}

interface CursorTipProps extends Omit<ChartTipProps, "at" | "pinned" | "time"> {
  cursor: Store<At | null>;
  pinned: At | null;
  times: readonly number[];
  /** The line that the arrow keys walk on. */
  active: Line | undefined;
}

function CursorTip({ cursor, pinned, times, active, actions, incomplete, ...rest }: CursorTipProps) {
  const at = useStore(cursor);
  const shown = pinned ?? at;
  const { zone, format } = rest;
  return (
    <>
      {shown && (
        <ChartTip
          {...rest}
          at={shown}
          pinned={pinned !== null}
          time={times[shown.index] ?? 0}
          incomplete={incomplete?.index === shown.index ? incomplete : null}
          actions={pinned ? actions : undefined}
        />
      )}
      <Spoken text={at && !at.follows ? speak(active, at, times, zone, format) : ""} />
    </>
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
  return `${line.label}: ${writerOf(line, format)(value)} at ${formatInstant((times[at.index] ?? 0) * 1000, zone, false)}`;
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
