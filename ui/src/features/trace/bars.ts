// The bars of the mounted rows, drawn on one canvas: self time solid, waiting on children pale, the critical path as a
// strip below, events as diamonds, logs as ticks above. Nothing here rounds: x is computed from nanoseconds.
import type { Frame } from "../../charts/canvas.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { type CriticalPath, criticalSegments } from "./critical.ts";
import type { Run } from "./groups.ts";
import { LOG_ROW, type Rows, RUN_ROW } from "./rows.ts";
import { durationOf, ERROR, selfSegments, type TraceTree } from "./tree.ts";
import { rulerTicks, type Window } from "./window.ts";

export const ROW_PX = 24;
const BAR_TOP = 6;
const BAR_PX = 12;

export interface TraceLog {
  at: number;
  span: number;
  /** CSS variable of its level. */
  colour: string;
  severe: boolean;
}

export interface BarsData {
  tree: TraceTree;
  rows: Rows;
  runs: ReadonlyMap<number, Run> | null;
  opened: ReadonlySet<number>;
  window: Window;
  /** Name of the CSS variable of each span's colour. */
  colourOf: (index: number) => string;
  path: CriticalPath | null;
  /** Spans that match what is looked for; null when nothing is. */
  hits: Uint8Array | null;
  logs: readonly TraceLog[];
  /** Logs by span, as places in `logs`; null when ticks are off. */
  logsOf: ReadonlyMap<number, readonly number[]> | null;
  first: number;
  last: number;
}

export function drawBars(frame: Frame, data: BarsData): void {
  const { context, width, height, colour } = frame;
  const { window, rows } = data;
  const length = window.end - window.start;
  const x = (nanos: number) => ((nanos - window.start) / length) * width;
  context.fillStyle = colour("--line");
  for (const tick of rulerTicks(window, 7)) context.fillRect(Math.round(x(tick.at)), 0, 1, height);
  context.font = "11px Inter, system-ui, sans-serif";
  context.textBaseline = "middle";
  for (let row = data.first; row < Math.min(data.last, rows.length); row++) {
    const top = (row - data.first) * ROW_PX;
    const at = rows.ref[row] ?? 0;
    if (rows.kind[row] === LOG_ROW) drawLog(frame, data, at, top, x);
    else if (rows.kind[row] === RUN_ROW) drawRun(frame, data, at, top, x);
    else drawSpan(frame, data, at, top, x);
  }
  context.globalAlpha = 1;
}

type Scale = (nanos: number) => number;

function clipped(width: number, left: number, right: number): [number, number] | null {
  if (right < 0 || left > width) return null;
  return [Math.max(0, left), Math.min(width, right)];
}

function drawSpan(frame: Frame, data: BarsData, at: number, top: number, x: Scale): void {
  const { context, width, colour } = frame;
  const { tree, path, hits } = data;
  const left = x(tree.start[at] ?? 0);
  const right = x(tree.end[at] ?? 0);
  const part = clipped(width, left, Math.max(right, left + 1));
  if (!part) {
    drawArrow(frame, top, left > width);
    return;
  }
  const dim = hits !== null && hits[at] !== 1 ? 0.35 : 1;
  const fill = colour(tree.status[at] === ERROR ? "--error" : data.colourOf(at));
  context.fillStyle = fill;
  context.globalAlpha = 0.34 * dim;
  context.fillRect(part[0], top + BAR_TOP, Math.max(2, part[1] - part[0]), BAR_PX);
  context.globalAlpha = dim;
  for (const [from, to] of selfSegments(tree, at)) {
    const own = clipped(width, x(from), x(to));
    if (own) context.fillRect(own[0], top + BAR_TOP, Math.max(1, own[1] - own[0]), BAR_PX);
  }
  if (path) {
    context.fillStyle = colour("--text");
    for (const [from, to] of criticalSegments(path, at)) {
      const own = to > from ? clipped(width, x(from), x(to)) : null;
      if (own) context.fillRect(own[0], top + BAR_TOP + BAR_PX + 1, Math.max(1, own[1] - own[0]), 2);
    }
  }
  for (let e = tree.eventFrom[at] ?? 0; e < (tree.eventFrom[at + 1] ?? 0); e++) {
    drawDiamond(frame, x(tree.eventTime[e] ?? 0), top + BAR_TOP + BAR_PX / 2);
  }
  for (const log of data.logsOf?.get(at) ?? []) drawTick(frame, data.logs[log], x, top);
  context.globalAlpha = dim;
  drawLabel(frame, formatDuration(durationOf(tree, at)), part, top);
  context.globalAlpha = 1;
}

function drawRun(frame: Frame, data: BarsData, at: number, top: number, x: Scale): void {
  const { context, width, colour } = frame;
  const { tree } = data;
  const run = data.runs?.get(at);
  if (!run) return;
  const part = clipped(width, x(run.start), Math.max(x(run.stop), x(run.start) + 2));
  if (!part) {
    drawArrow(frame, top, x(run.start) > width);
    return;
  }
  context.fillStyle = colour("--line-strong");
  context.fillRect(part[0], top + ROW_PX / 2, part[1] - part[0], 1);
  // Members closer than a pixel are drawn once.
  let drawn = Number.NEGATIVE_INFINITY;
  for (const member of run.members) {
    const right = x(tree.end[member] ?? 0);
    const own = clipped(width, x(tree.start[member] ?? 0), right);
    if (!own || right < drawn + 0.5) continue;
    drawn = Math.max(right, own[0] + 1);
    context.fillStyle = colour(tree.status[member] === ERROR ? "--error" : data.colourOf(member));
    context.fillRect(own[0], top + BAR_TOP, Math.max(1, own[1] - own[0]), BAR_PX);
  }
  if (!data.opened.has(at)) drawLabel(frame, formatDuration(run.sum), part, top);
}

function drawLog(frame: Frame, data: BarsData, at: number, top: number, x: Scale): void {
  const log = data.logs[at];
  if (!log) return;
  const { context, colour, width } = frame;
  const place = x(log.at);
  if (place < 0 || place > width) return;
  context.fillStyle = colour(log.colour);
  context.fillRect(place - 1, top + 3, 2, ROW_PX - 6);
  drawSeverity(frame, place, top + ROW_PX / 2, log.severe);
}

/** Round for ordinary records, a triangle for warnings and worse: the shape differs, not only the colour. */
function drawSeverity({ context }: Frame, x: number, y: number, severe: boolean): void {
  context.beginPath();
  if (severe) {
    context.moveTo(x, y - 4);
    context.lineTo(x + 4, y + 3);
    context.lineTo(x - 4, y + 3);
  } else context.arc(x, y, 3, 0, Math.PI * 2);
  context.fill();
}

function drawTick(frame: Frame, log: TraceLog | undefined, x: Scale, top: number): void {
  if (!log) return;
  const place = x(log.at);
  if (place < 0 || place > frame.width) return;
  frame.context.fillStyle = frame.colour(log.colour);
  if (log.severe) {
    frame.context.beginPath();
    frame.context.moveTo(place - 3, top);
    frame.context.lineTo(place + 3, top);
    frame.context.lineTo(place, top + 5);
    frame.context.fill();
  } else frame.context.fillRect(place - 1, top + 1, 2, 4);
}

function drawDiamond({ context, colour, width }: Frame, x: number, y: number): void {
  if (x < 0 || x > width) return;
  context.fillStyle = colour("--panel");
  diamond(context, x, y, 5);
  context.fillStyle = colour("--text");
  diamond(context, x, y, 3.5);
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.fill();
}

/** A span outside the window: to which side it lies. */
function drawArrow({ context, colour, width }: Frame, top: number, right: boolean): void {
  const y = top + ROW_PX / 2;
  context.fillStyle = colour("--faint");
  context.beginPath();
  const tip = right ? width - 4 : 4;
  const back = right ? -5 : 5;
  context.moveTo(tip, y);
  context.lineTo(tip + back, y - 4);
  context.lineTo(tip + back, y + 4);
  context.fill();
}

function drawLabel(
  { context, width, colour }: Frame,
  text: string,
  [left, right]: [number, number],
  top: number,
): void {
  const y = top + ROW_PX / 2 + 0.5;
  const room = text.length * 6.2 + 12;
  context.fillStyle = colour("--muted");
  if (right + room < width) {
    context.textAlign = "left";
    context.fillText(text, right + 6, y);
  } else if (left > room) {
    context.textAlign = "right";
    context.fillText(text, left - 6, y);
  } else {
    // Neither side has room: on the bar, on a patch of the page so that it can be read on any colour.
    context.textAlign = "left";
    context.fillStyle = colour("--panel");
    context.globalAlpha *= 0.82;
    context.fillRect(left + 4, top + BAR_TOP, room - 4, BAR_PX);
    context.globalAlpha = 1;
    context.fillStyle = colour("--text");
    context.fillText(text, left + 8, y);
  }
}
