// The loaded traces as points: start against duration on a log scale, errors as red triangles. A click opens the
// trace, dragging chooses a range of time. The table below is the accessible twin.
import { useCallback, useMemo, useRef, useState } from "react";
import type { TraceSummary } from "../../api/traces.ts";
import { timeTicks } from "../../charts/axis.ts";
import { type Frame, useCanvas } from "../../charts/canvas.ts";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration, formatInstant } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./DurationScatter.module.css";

export interface DurationScatterProps {
  traces: readonly TraceSummary[];
  range: Range;
  zone: Zone;
  /** Every trace of the range is loaded. */
  complete: boolean;
  onOpen: (traceId: string) => void;
  onSelect: (range: Range) => void;
}

const LEFT_PX = 60;
const AXIS_PX = 18;
const PICK_PX = 14;

interface Point {
  trace: TraceSummary;
  milli: number;
}

export function DurationScatter({ traces, range: wanted, zone, complete, onOpen, onSelect }: DurationScatterProps) {
  const box = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<Point | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const points = useMemo<Point[]>(
    () => traces.map((trace) => ({ trace, milli: nanosToMilli(parseNanos(trace.start_unix_nano)) })),
    [traces],
  );
  const bounds = useMemo(() => durationBounds(traces), [traces]);
  // As long as older traces are not loaded the chart shows the loaded part only: the rest is not empty, it is unknown.
  const oldest = points.at(-1)?.milli ?? wanted.fromMilli;
  const newest = points[0]?.milli ?? wanted.toMilli;
  const range = useMemo<Range>(
    () => (complete ? wanted : { fromMilli: oldest - 500, toMilli: Math.max(newest, oldest) + 500 }),
    [complete, wanted, oldest, newest],
  );
  const span = range.toMilli - range.fromMilli;
  const xOf = useCallback(
    (milli: number, width: number) => LEFT_PX + ((milli - range.fromMilli) / span) * (width - LEFT_PX),
    [range.fromMilli, span],
  );
  const yOf = useCallback(
    (nanos: number, height: number) => {
      const share = (Math.log10(Math.max(1, nanos)) - bounds.low) / (bounds.high - bounds.low);
      return height - AXIS_PX - 4 - share * (height - AXIS_PX - 12);
    },
    [bounds],
  );
  const draw = useCallback(
    (frame: Frame) => {
      const { context, width, height, colour } = frame;
      context.font = "11px Inter, system-ui, sans-serif";
      context.textBaseline = "middle";
      for (let power = Math.ceil(bounds.low); power <= bounds.high; power++) {
        const y = Math.round(yOf(10 ** power, height)) + 0.5;
        context.fillStyle = colour("--line");
        context.fillRect(LEFT_PX, y, width - LEFT_PX, 1);
        context.fillStyle = colour("--faint");
        context.textAlign = "right";
        context.fillText(formatDuration(10 ** power), LEFT_PX - 8, y);
      }
      for (const tick of timeTicks(range.fromMilli, range.toMilli, width - LEFT_PX, zone)) {
        const x = xOf(tick.unixMilli, width);
        context.fillStyle = colour("--line");
        context.fillRect(Math.round(x), 0, 1, height - AXIS_PX + 3);
        const half = context.measureText(tick.label).width / 2;
        if (x - half < LEFT_PX || x + half > width) continue;
        context.fillStyle = colour("--faint");
        context.textAlign = "center";
        context.fillText(tick.label, x, height - AXIS_PX / 2 + 1);
      }
      for (const { trace, milli } of points) {
        drawPoint(frame, xOf(milli, width), yOf(trace.duration_nanos, height), trace.error_count > 0);
      }
    },
    [points, range, zone, bounds, xOf, yOf],
  );
  const canvas = useCanvas(draw);

  const milliAt = (clientX: number) => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect) return range.fromMilli;
    const share = (clientX - rect.left - LEFT_PX) / (rect.width - LEFT_PX);
    return range.fromMilli + Math.min(1, Math.max(0, share)) * span;
  };
  const nearest = (clientX: number, clientY: number): Point | null => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect) return null;
    let best: Point | null = null;
    let distance = PICK_PX;
    for (const point of points) {
      const dx = xOf(point.milli, rect.width) - (clientX - rect.left);
      const dy = yOf(point.trace.duration_nanos, rect.height) - (clientY - rect.top);
      if (Math.hypot(dx, dy) < distance) [best, distance] = [point, Math.hypot(dx, dy)];
    }
    return best;
  };
  const share = (milli: number) => `calc(${LEFT_PX}px + (100% - ${LEFT_PX}px) * ${(milli - range.fromMilli) / span})`;
  const errors = traces.filter((trace) => trace.error_count > 0).length;
  return (
    <div
      ref={box}
      className={styles.box}
      data-point={hover !== null}
      role="img"
      aria-label={`Duration of ${plural(traces.length, "trace")} over time, ${errors} with errors; the table below has the same data`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([milliAt(event.clientX), milliAt(event.clientX)]);
      }}
      onPointerMove={(event) => {
        setHover(nearest(event.clientX, event.clientY));
        if (drag) setDrag([drag[0], milliAt(event.clientX)]);
      }}
      onPointerLeave={() => setHover(null)}
      onPointerUp={(event) => {
        if (drag && Math.abs(drag[1] - drag[0]) > span / 200) {
          onSelect({ fromMilli: Math.min(...drag), toMilli: Math.max(...drag) });
        } else if (drag) {
          const point = nearest(event.clientX, event.clientY);
          if (point) onOpen(point.trace.trace_id);
        }
        setDrag(null);
      }}
    >
      <canvas ref={canvas} className={styles.canvas} aria-hidden />
      {!complete && (
        <span className={styles.caption}>
          the newest {formatCount(traces.length)} traces; scroll the list for older ones
        </span>
      )}
      {drag && drag[0] !== drag[1] && (
        <div
          className={styles.brush}
          style={{
            left: share(Math.min(...drag)),
            width: `calc((100% - ${LEFT_PX}px) * ${Math.abs(drag[1] - drag[0]) / span})`,
          }}
        />
      )}
      {hover && !drag && (
        <div
          className={styles.tip}
          data-side={hover.milli - range.fromMilli > span / 2 ? "left" : "right"}
          style={{ left: share(hover.milli) }}
        >
          <strong>{hover.trace.root_service}</strong> {hover.trace.root_name}
          <div className="muted">
            {formatDuration(hover.trace.duration_nanos)} · {plural(hover.trace.span_count, "span")}
            {hover.trace.error_count > 0 && ` \u00b7 ${plural(hover.trace.error_count, "error")}`}
          </div>
          <div className="faint">{formatInstant(hover.milli, zone)}</div>
        </div>
      )}
    </div>
  );
}

/** Powers of ten around all durations, at least one decade apart. */
function durationBounds(traces: readonly TraceSummary[]): { low: number; high: number } {
  const logs = traces.map((trace) => Math.log10(Math.max(1, trace.duration_nanos)));
  const low = Math.floor(Math.min(...logs));
  return { low, high: Math.max(low + 1, Math.ceil(Math.max(...logs))) };
}

function drawPoint({ context, colour }: Frame, x: number, y: number, isError: boolean): void {
  context.fillStyle = colour(isError ? "--error" : "--series-0");
  context.globalAlpha = isError ? 1 : 0.75;
  context.beginPath();
  if (isError) {
    context.moveTo(x, y - 4.5);
    context.lineTo(x + 4.5, y + 3.5);
    context.lineTo(x - 4.5, y + 3.5);
  } else context.arc(x, y, 2.8, 0, Math.PI * 2);
  context.fill();
  context.globalAlpha = 1;
}
