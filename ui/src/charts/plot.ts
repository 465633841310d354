// The options of uPlot for one chart: axes, grid, lines, dashes, and what is drawn over them.
import uPlot from "uplot";
import { resolveColour } from "../lib/colour.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { timeTicks } from "./axis.ts";
import { type Incomplete, type Line, type LineAxis, type Mode, scaleOf } from "./series.ts";

export interface Threshold {
  value: number;
  label: string;
  /** Name of a CSS variable. */
  colour: string;
}

export interface Marker {
  unixMilli: number;
  label: string;
}

/** A stretch of time with a tint of its own, such as that of an alert that fires. */
export interface Band {
  fromMilli: number;
  toMilli: number;
  /** Name of a CSS variable. */
  colour: string;
  label: string;
}

export interface PlotInput {
  width: number;
  height: number;
  lines: readonly Line[];
  /** As they are drawn: stacked, decimated. */
  drawn: readonly (readonly (number | null)[])[];
  times: readonly number[];
  previous: readonly Line[];
  mode: Mode;
  logY: boolean;
  range: Range;
  zone: Zone;
  format: (value: number) => string;
  hidden: ReadonlySet<string>;
  incomplete: Incomplete | null;
  thresholds: readonly Threshold[];
  markers: readonly Marker[];
  bands: readonly Band[];
  syncKey: string;
  onCursor: (plot: uPlot) => void;
  onSelect: (range: Range) => void;
}

/** With more lines the nearest is brought out when the pointer rests: each change draws all of them again. */
export const FOCUS_LINES_MAX = 20;
/** How a mebibyte is written where values are counted in powers of 1024: then the lines of the grid are, too. */
const BINARY = /^1 [KMGT]iB/;
const POWERS_OF_TWO = Array.from({ length: 80 }, (_, at) => 2 ** (at - 10));
const Y_AXIS_PX = 72;
const FONT = "11px Inter, system-ui, sans-serif";
const DASHES = [undefined, [6, 4], [2, 3], [10, 3, 2, 3]];

/** The dash of a line: none for the first ten, then colours repeat and dashes tell them apart. */
export function dashOf(index: number): number[] | undefined {
  return DASHES[Math.floor(index / 10) % DASHES.length];
}

/** Reads `input` anew whenever the plot draws: its data, range and marks may have been replaced since. */
export function plotOptions(input: PlotInput): uPlot.Options {
  const { mode } = input;
  const colour = (name: string) => resolveColour(`var(${name})`);
  const grid = { stroke: colour("--line"), width: 1 };
  const text = { stroke: colour("--faint"), font: FONT, ticks: { show: false } };
  const others = otherAxes(input.lines);
  const drawn = input.lines.length + input.previous.length;
  const ticks = (plot: uPlot) =>
    timeTicks(input.range.fromMilli, input.range.toMilli, plot.bbox.width / devicePixelRatio, input.zone);
  return {
    width: input.width,
    height: input.height,
    legend: { show: false },
    focus: { alpha: 0.25 },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      // A line alone has no others that step back: each time the cursor came near it, all of it would be drawn anew.
      focus: { prox: drawn < 2 || drawn > FOCUS_LINES_MAX ? -1 : 28 },
      sync: { key: input.syncKey, setSeries: false },
    },
    scales: {
      x: { time: false, range: () => [input.range.fromMilli / 1000, input.range.toMilli / 1000] },
      y: input.logY
        ? { distr: 3, log: 10 }
        : {
            range: (_, min, max) =>
              valueRange(
                min,
                max,
                input.thresholds.map((each) => each.value),
              ),
          },
      ...Object.fromEntries(
        others.map(([scale]) => [
          scale,
          input.logY
            ? { distr: 3, log: 10 }
            : { range: (_: uPlot, min: number, max: number) => valueRange(min, max, []) },
        ]),
      ),
    },
    axes: [
      {
        ...text,
        grid,
        size: 26,
        splits: (plot) => ticks(plot).map((tick) => tick.unixMilli / 1000),
        values: (plot, splits) => {
          const known = ticks(plot);
          return splits.map((_, at) => known[at]?.label ?? "");
        },
      },
      {
        ...text,
        grid,
        size: Y_AXIS_PX,
        space: 34,
        ...(BINARY.test(input.format(2 ** 20)) ? { incrs: POWERS_OF_TWO } : {}),
        values: (_, splits) => splits.map((value) => (value === null ? "" : input.format(value))),
      },
      ...others.map(
        ([scale, axis]): uPlot.Axis => ({
          ...text,
          scale,
          side: 1,
          grid: { show: false },
          size: Y_AXIS_PX,
          space: 34,
          values: (_, splits) => splits.map((value) => (value === null ? "" : axis.format(value))),
        }),
      ),
    ],
    series: [
      {},
      ...input.lines.map((line, at): uPlot.Series => seriesOf(line, at, mode, !input.hidden.has(line.id))),
      ...input.previous.map(
        (line): uPlot.Series => ({
          stroke: resolveColour(line.colour),
          scale: scaleOf(line),
          alpha: 0.55,
          width: 1.2,
          dash: [2, 4],
          show: !input.hidden.has(line.id),
          points: { show: false },
        }),
      ),
    ],
    ...(mode === "stack"
      ? { bands: input.lines.slice(1).map((_, at): uPlot.Band => ({ series: [at + 2, at + 1] })) }
      : {}),
    hooks: {
      setCursor: [input.onCursor],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const from = plot.posToVal(left, "x") * 1000;
          const to = plot.posToVal(left + width, "x") * 1000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          input.onSelect({ fromMilli: from, toMilli: to });
        },
      ],
      drawClear: [(plot) => drawBands(plot, input.bands, colour)],
      draw: [
        (plot) => {
          drawIncomplete(plot, input);
          drawThresholds(plot, input.thresholds, colour, input.format);
          drawMarkers(plot, input.markers, colour);
        },
      ],
    },
  };
}

/** The axes beside the main one, by the names of their scales, in the order of their lines. */
function otherAxes(lines: readonly Line[]): [string, LineAxis][] {
  const found = new Map<string, LineAxis>();
  for (const line of lines) if (line.axis) found.set(scaleOf(line), found.get(scaleOf(line)) ?? line.axis);
  return [...found];
}

function seriesOf(line: Line, at: number, mode: Mode, show: boolean): uPlot.Series {
  const stroke = resolveColour(line.colour);
  const dash = dashOf(at);
  const base: uPlot.Series = {
    label: line.label,
    scale: scaleOf(line),
    stroke,
    width: 1.5,
    show,
    spanGaps: false,
    points: { show: false },
    ...(dash ? { dash } : {}),
  };
  if (mode === "area" || mode === "stack")
    return { ...base, fill: `color-mix(in srgb, ${stroke} ${mode === "stack" ? 45 : 18}%, transparent)` };
  if (mode === "points") {
    const points: uPlot.Series.Points = { show: true, size: 4, fill: stroke };
    return { ...base, width: 0, paths: () => null, points };
  }
  if (mode === "bars") {
    const bars = uPlot.paths.bars?.({ size: [0.8, 24] });
    return { ...base, fill: `color-mix(in srgb, ${stroke} 55%, transparent)`, ...(bars ? { paths: bars } : {}) };
  }
  return base;
}

/** From zero for values that do not go below it, with a little room above; thresholds are always in view. */
function valueRange(min: number | null, max: number | null, thresholds: readonly number[]): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const least = Math.min(min, ...thresholds);
  const most = Math.max(max, ...thresholds);
  const low = least >= 0 ? 0 : least * 1.05;
  const high = most <= 0 ? 0 : most * 1.08;
  return low === high ? [low, low + 1] : [low, high];
}

/** The way to the bucket that is still filling, dashed: what it shows will change. */
function drawIncomplete(plot: uPlot, { incomplete, lines, drawn, times, hidden, mode }: PlotInput): void {
  if (!incomplete || mode === "points" || mode === "bars") return;
  const { ctx } = plot;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  lines.forEach((line, at) => {
    const values = drawn[at];
    const to = values?.[incomplete.index];
    const from = values?.[incomplete.index - 1];
    if (hidden.has(line.id) || to === null || to === undefined || from === null || from === undefined) return;
    ctx.strokeStyle = resolveColour(line.colour);
    ctx.beginPath();
    ctx.moveTo(plot.valToPos(times[incomplete.index - 1] ?? 0, "x", true), plot.valToPos(from, scaleOf(line), true));
    ctx.lineTo(plot.valToPos(times[incomplete.index] ?? 0, "x", true), plot.valToPos(to, scaleOf(line), true));
    ctx.stroke();
  });
  ctx.restore();
}

const BAND_ALPHA = 0.11;

function drawBands(plot: uPlot, bands: readonly Band[], colour: (name: string) => string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  for (const { fromMilli, toMilli, colour: name, label } of bands) {
    const left = Math.max(bbox.left, plot.valToPos(fromMilli / 1000, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(toMilli / 1000, "x", true));
    if (right <= left) continue;
    ctx.fillStyle = colour(name);
    ctx.globalAlpha = BAND_ALPHA;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.globalAlpha = 1;
    const room = ctx.measureText(label).width + 8 * devicePixelRatio;
    if (right - left > room) ctx.fillText(label, left + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
  }
  ctx.restore();
}

function drawThresholds(
  plot: uPlot,
  thresholds: readonly Threshold[],
  colour: (name: string) => string,
  format: (value: number) => string,
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  ctx.textAlign = "right";
  for (const { value, label, colour: name } of thresholds) {
    const y = plot.valToPos(value, "y", true);
    ctx.strokeStyle = colour(name);
    ctx.fillStyle = colour(name);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(`${label} ${format(value)}`, bbox.left + bbox.width - 4 * devicePixelRatio, y - 4 * devicePixelRatio);
  }
  ctx.restore();
}

function drawMarkers(plot: uPlot, markers: readonly Marker[], colour: (name: string) => string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  ctx.fillStyle = colour("--muted");
  ctx.strokeStyle = colour("--control");
  ctx.lineWidth = devicePixelRatio;
  for (const { unixMilli, label } of markers) {
    const x = plot.valToPos(unixMilli / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.textAlign = x > bbox.left + bbox.width * 0.8 ? "right" : "left";
    ctx.fillText(label, x + (ctx.textAlign === "right" ? -4 : 4) * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}
