// Counts per time bucket, stacked. Dragging chooses a range of time; the keyboard does the same with the arrow keys.
import { useCallback, useRef, useState } from "react";
import { formatCount, formatShort } from "../lib/number.ts";
import { formatClock, formatInstant } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { niceCeiling, timeTicks } from "./axis.ts";
import { type Frame, useCanvas } from "./canvas.ts";
import styles from "./StackedBars.module.css";

export interface Stack {
  name: string;
  /** CSS variable such as `--level-error`. */
  colour: string;
  /** One per bucket. */
  counts: readonly number[];
}

export interface StackedBarsProps {
  label: string;
  /** Bottom of the pile first. */
  stacks: readonly Stack[];
  startMilli: number;
  stepMilli: number;
  range: Range;
  zone: Zone;
  onSelect: (range: Range) => void;
  /** The part of the time whose records are in the list below. */
  loaded?: Range | null;
}

const AXIS_PX = 18;
const LEFT_PX = 44;

export function StackedBars({
  label,
  stacks,
  startMilli,
  stepMilli,
  range,
  zone,
  onSelect,
  loaded = null,
}: StackedBarsProps) {
  const [hover, setHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const buckets = stacks[0]?.counts.length ?? 0;
  const totals = Array.from({ length: buckets }, (_, i) =>
    stacks.reduce((sum, stack) => sum + (stack.counts[i] ?? 0), 0),
  );
  const max = niceCeiling(Math.max(1, ...totals));
  const span = range.toMilli - range.fromMilli;

  const draw = useCallback(
    ({ context, width, height, colour }: Frame) => {
      const plot = { left: LEFT_PX, width: width - LEFT_PX, height: height - AXIS_PX };
      const xOf = (milli: number) => plot.left + ((milli - range.fromMilli) / span) * plot.width;
      drawAxes(context, plot, { max, ticks: timeTicks(range.fromMilli, range.toMilli, plot.width, zone), xOf, colour });
      for (let i = 0; i < buckets; i++) {
        const x0 = Math.max(plot.left, xOf(startMilli + i * stepMilli));
        const x1 = Math.min(width, xOf(startMilli + (i + 1) * stepMilli));
        let y = plot.height;
        for (const stack of stacks) {
          const count = stack.counts[i] ?? 0;
          if (count === 0) continue;
          // A bucket with one error among thousands must not vanish: at least one pixel.
          const size = Math.max(1, (count / max) * (plot.height - 4));
          context.fillStyle = colour(stack.colour);
          context.globalAlpha = hover === null || hover === i ? 1 : 0.55;
          context.fillRect(x0 + 0.5, y - size, Math.max(1, x1 - x0 - 1), size);
          y -= size;
        }
      }
      context.globalAlpha = 1;
    },
    [stacks, startMilli, stepMilli, range, span, zone, max, buckets, hover],
  );
  const canvas = useCanvas(draw);

  const milliAt = (clientX: number) => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect) return range.fromMilli;
    const share = (clientX - rect.left - LEFT_PX) / (rect.width - LEFT_PX);
    return range.fromMilli + Math.min(1, Math.max(0, share)) * span;
  };
  const bucketAt = (milli: number) => {
    const index = Math.floor((milli - startMilli) / stepMilli);
    return index >= 0 && index < buckets ? index : null;
  };
  const share = (milli: number) => `calc(${LEFT_PX}px + (100% - ${LEFT_PX}px) * ${(milli - range.fromMilli) / span})`;
  const total = totals.reduce((sum, count) => sum + count, 0);

  return (
    <div
      ref={box}
      className={styles.root}
      role="img"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move the cursor over the buckets
      tabIndex={0}
      aria-label={`${label}: ${formatCount(total)} in ${buckets} buckets, at most ${formatCount(Math.max(0, ...totals))} per bucket`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = milliAt(event.clientX);
        setDrag([at, at]);
      }}
      onPointerMove={(event) => {
        const at = milliAt(event.clientX);
        setHover(bucketAt(at));
        if (drag) setDrag([drag[0], at]);
      }}
      onPointerUp={() => {
        if (drag) select(drag, span, onSelect);
        setDrag(null);
      }}
      onPointerLeave={() => setHover(null)}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") setHover((old) => Math.max(0, (old ?? buckets) - 1));
        else if (event.key === "ArrowRight") setHover((old) => Math.min(buckets - 1, (old ?? -1) + 1));
        else if (event.key === "Enter" && hover !== null) {
          onSelect({ fromMilli: startMilli + hover * stepMilli, toMilli: startMilli + (hover + 1) * stepMilli });
        } else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <canvas ref={canvas} className={styles.canvas} aria-hidden />
      {loaded && (
        <div
          className={styles.loaded}
          title="loaded in the list below"
          style={{
            left: share(Math.max(range.fromMilli, loaded.fromMilli)),
            width: `calc((100% - ${LEFT_PX}px) * ${Math.max(0, Math.min(range.toMilli, loaded.toMilli) - Math.max(range.fromMilli, loaded.fromMilli)) / span})`,
          }}
        />
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
      {hover !== null && !drag && (
        <div
          className={styles.tip}
          data-side={hover > buckets / 2 ? "left" : "right"}
          style={{ left: share(startMilli + (hover + 0.5) * stepMilli) }}
        >
          <div className="muted">
            {formatInstant(startMilli + hover * stepMilli, zone, false)} –{" "}
            {formatClock(startMilli + (hover + 1) * stepMilli, zone)}
          </div>
          {[...stacks].reverse().map((stack) =>
            (stack.counts[hover] ?? 0) > 0 ? (
              <div key={stack.name} className={styles.tipRow}>
                <i style={{ background: `var(${stack.colour})` }} />
                <span className="grow">{stack.name}</span>
                <b>{formatCount(stack.counts[hover] ?? 0)}</b>
              </div>
            ) : null,
          )}
          <div className={styles.tipRow}>
            <span className="grow">total</span>
            <b>{formatCount(totals[hover] ?? 0)}</b>
          </div>
        </div>
      )}
    </div>
  );
}

function select(drag: [number, number], span: number, onSelect: (range: Range) => void): void {
  const [fromMilli, toMilli] = [Math.min(...drag), Math.max(...drag)];
  // A click is not a drag: below half a percent of the width nothing is chosen.
  if (toMilli - fromMilli > span / 200) onSelect({ fromMilli, toMilli });
}

interface AxisParts {
  max: number;
  ticks: { unixMilli: number; label: string }[];
  xOf: (milli: number) => number;
  colour: (name: string) => string;
}

function drawAxes(
  context: CanvasRenderingContext2D,
  plot: { left: number; width: number; height: number },
  { max, ticks, xOf, colour }: AxisParts,
): void {
  context.font = "11px Inter, system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const share of max < 2 ? [0, 1] : [0, 0.5, 1]) {
    const y = Math.round(plot.height - share * (plot.height - 4)) + (share === 0 ? -0.5 : 0.5);
    context.fillStyle = colour("--line");
    context.fillRect(plot.left, y, plot.width, 1);
    context.fillStyle = colour("--faint");
    context.textAlign = "right";
    if (share > 0 || max > 0)
      context.fillText(formatShort(max * share), plot.left - 6, Math.min(plot.height - 5, Math.max(6, y)));
  }
  for (const tick of ticks) {
    const x = xOf(tick.unixMilli);
    context.fillStyle = colour("--line");
    context.fillRect(Math.round(x), 0, 1, plot.height + 3);
    const half = context.measureText(tick.label).width / 2;
    if (x - half < plot.left || x + half > plot.left + plot.width) continue;
    context.fillStyle = colour("--faint");
    context.textAlign = "center";
    context.fillText(tick.label, x, plot.height + AXIS_PX / 2 + 1);
  }
}
