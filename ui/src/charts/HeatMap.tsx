// Counts by time and a rising scale. A rectangle is chosen by dragging, or with the arrow keys and Shift; what can be
// done with it stands in a small menu beside it.
import { type KeyboardEvent, type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { formatCount } from "../lib/number.ts";
import { formatClock } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { timeTicks } from "./axis.ts";
import { type Frame, useCanvas } from "./canvas.ts";
import styles from "./HeatMap.module.css";
import { type CellRect, countIn, type HeatGrid, rectOf, rowEnd, shade } from "./heat.ts";

export interface HeatMapProps {
  label: string;
  grid: HeatGrid;
  range: Range;
  zone: Zone;
  format: (value: number) => string;
  /** What can be done with a rectangle; `close` takes it away. */
  menu: (rect: CellRect, count: number, close: () => void) => ReactNode;
}

const LEFT_PX = 56;
const AXIS_PX = 18;

export function HeatMap({ label, grid, range, zone, format, menu }: HeatMapProps) {
  const box = useRef<HTMLDivElement>(null);
  const [corners, setCorners] = useState<[[number, number], [number, number]] | null>(null);
  const [dragging, setDragging] = useState(false);
  const [hover, setHover] = useState<[number, number] | null>(null);
  const shown = useMemo(() => rowsShown(grid), [grid]);
  const [lowest, highest] = shown;
  const rows = highest - lowest + 1;
  const span = range.toMilli - range.fromMilli;
  const counts = useMemo(() => new Map(grid.cells.map(([c, r, n]) => [c * 1000 + r, n])), [grid]);
  const most = useMemo(() => grid.cells.reduce((max, [, , n]) => Math.max(max, n), 0), [grid]);
  const total = useMemo(() => grid.cells.reduce((sum, [, , n]) => sum + n, 0), [grid]);

  const draw = useCallback(
    ({ context, width, height, colour }: Frame) => {
      const plot = height - AXIS_PX;
      const x = (column: number) =>
        LEFT_PX + ((grid.startMilli + column * grid.stepMilli - range.fromMilli) / span) * (width - LEFT_PX);
      const y = (row: number) => plot - ((row - lowest) / rows) * plot;
      context.font = "11px Inter, system-ui, sans-serif";
      context.textBaseline = "middle";
      for (const tick of timeTicks(range.fromMilli, range.toMilli, width - LEFT_PX, zone)) {
        const at = LEFT_PX + ((tick.unixMilli - range.fromMilli) / span) * (width - LEFT_PX);
        context.fillStyle = colour("--line");
        context.fillRect(Math.round(at), 0, 1, plot);
        context.fillStyle = colour("--faint");
        context.textAlign = "center";
        const half = context.measureText(tick.label).width / 2;
        if (at - half > LEFT_PX && at + half < width) context.fillText(tick.label, at, height - AXIS_PX / 2 + 1);
      }
      context.fillStyle = colour("--accent");
      for (const [column, row, n] of grid.cells) {
        if (row < lowest || row > highest) continue;
        context.globalAlpha = shade(n, most);
        const left = Math.max(LEFT_PX, x(column));
        const top = y(row + 1);
        context.fillRect(left, top, Math.max(1, x(column + 1) - left - 0.5), Math.max(1, y(row) - top - 0.5));
      }
      context.globalAlpha = 1;
      context.fillStyle = colour("--faint");
      context.textAlign = "right";
      const every = Math.max(1, Math.ceil(rows / Math.max(2, Math.floor(plot / 24))));
      for (let row = lowest; row <= highest; row += every) {
        context.fillText(format(grid.rows[row] ?? 0), LEFT_PX - 6, Math.min(plot - 5, Math.max(6, y(row))));
      }
    },
    [grid, range, span, zone, format, lowest, highest, rows, most],
  );
  const canvas = useCanvas(draw);

  const cellAt = (clientX: number, clientY: number): [number, number] => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect) return [0, lowest];
    const share = Math.min(1, Math.max(0, (clientX - rect.left - LEFT_PX) / (rect.width - LEFT_PX)));
    const column = Math.floor((range.fromMilli + share * span - grid.startMilli) / grid.stepMilli);
    const up = 1 - (clientY - rect.top) / (rect.height - AXIS_PX);
    const row = lowest + Math.floor(Math.min(0.9999, Math.max(0, up)) * rows);
    return [Math.min(grid.columns - 1, Math.max(0, column)), row];
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Escape" && corners) setCorners(null);
    else if (step) {
      const [from, to] = corners ?? [
        [grid.columns - 1, lowest],
        [grid.columns - 1, lowest],
      ];
      const next: [number, number] = [
        Math.min(grid.columns - 1, Math.max(0, to[0] + (step[0] ?? 0))),
        Math.min(highest, Math.max(lowest, to[1] + (step[1] ?? 0))),
      ];
      setCorners(event.shiftKey ? [from as [number, number], next] : [next, next]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const rect = corners ? rectOf(...corners) : null;
  const place = (at: CellRect) => {
    const x = (column: number) => (grid.startMilli + column * grid.stepMilli - range.fromMilli) / span;
    const left = Math.max(0, x(at.left));
    const right = Math.min(1, x(at.right + 1));
    return {
      left: `calc(${LEFT_PX}px + (100% - ${LEFT_PX}px) * ${left})`,
      width: `calc((100% - ${LEFT_PX}px) * ${Math.max(0, right - left)})`,
      top: `calc((100% - ${AXIS_PX}px) * ${1 - (at.high + 1 - lowest) / rows})`,
      height: `calc((100% - ${AXIS_PX}px) * ${(at.high - at.low + 1) / rows})`,
      atRight: left > 0.6,
    };
  };
  const area = rect ? place(rect) : null;
  return (
    <div className={styles.root}>
      <div
        ref={box}
        className={styles.box}
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move over the cells
        tabIndex={0}
        aria-label={`${label}: ${formatCount(total)} in all; arrow keys choose a cell, with Shift a rectangle`}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = cellAt(event.clientX, event.clientY);
          setCorners([at, at]);
          setDragging(true);
        }}
        onPointerMove={(event) => {
          const at = cellAt(event.clientX, event.clientY);
          setHover(at);
          if (dragging) setCorners((old) => (old ? [old[0], at] : null));
        }}
        onPointerUp={() => setDragging(false)}
        onPointerLeave={() => setHover(null)}
      >
        <canvas ref={canvas} className={styles.canvas} aria-hidden />
        {area && (
          <div
            className={styles.rect}
            style={{ left: area.left, width: area.width, top: area.top, height: area.height }}
          />
        )}
        {hover && !rect && (
          <div
            className={styles.tip}
            data-side={hover[0] > grid.columns / 2 ? "left" : "right"}
            style={{ left: place(rectOf(hover, hover)).left }}
          >
            <b>{formatCount(counts.get(hover[0] * 1000 + hover[1]) ?? 0)}</b>{" "}
            <span className="muted">{describe(grid, rectOf(hover, hover), zone, format)}</span>
          </div>
        )}
      </div>
      {rect && area && !dragging && (
        <div className={styles.menu} data-side={area.atRight ? "left" : "right"} style={{ left: area.left }}>
          <div className="muted">{describe(grid, rect, zone, format)}</div>
          {menu(rect, countIn(grid, rect), () => setCorners(null))}
        </div>
      )}
    </div>
  );
}

/** The rows that have something, and at least three. */
function rowsShown(grid: HeatGrid): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const [, row] of grid.cells) {
    low = Math.min(low, row);
    high = Math.max(high, row);
  }
  if (!Number.isFinite(low)) return [0, Math.max(0, grid.rows.length - 1)];
  return [Math.max(0, Math.min(low, high - 2)), Math.min(grid.rows.length - 1, Math.max(high, low + 2))];
}

function describe(grid: HeatGrid, rect: CellRect, zone: Zone, format: (value: number) => string): string {
  const from = grid.startMilli + rect.left * grid.stepMilli;
  const to = grid.startMilli + (rect.right + 1) * grid.stepMilli;
  const end = rowEnd(grid, rect.high);
  const high = Number.isFinite(end) ? `to ${format(end)}` : "and more";
  return `${formatClock(from, zone)} \u2013 ${formatClock(to, zone)}, ${format(grid.rows[rect.low] ?? 0)} ${high}`;
}
