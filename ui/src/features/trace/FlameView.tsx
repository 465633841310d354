// The flame graph: every span as a box, in the order of time or merged by path. Click selects, the wheel zooms.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Frame, useCanvas } from "../../charts/canvas.ts";
import { formatPercent, plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./FlameView.module.css";
import { type Box, mergedLayout, timeLayout } from "./flame.ts";
import { ERROR, nameOf, serviceOf, type TraceTree } from "./tree.ts";
import { panBy, type Window, zoomAt } from "./window.ts";

export interface FlameViewProps {
  tree: TraceTree;
  colourOf: (index: number) => string;
  hits: Uint8Array | null;
  selected: number;
  window: Window;
  onWindow: (window: Window) => void;
  onSelect: (index: number) => void;
}

const LANE_PX = 20;
const LABEL_PX = 34;

export function FlameView({ tree, colourOf, hits, selected, window, onWindow, onSelect }: FlameViewProps) {
  const [merged, setMerged] = useState(false);
  const [share, setShare] = useState<Window>({ start: 0, end: 1 });
  const [hover, setHover] = useState<{ box: Box; x: number; y: number } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const layout = useMemo(() => (merged ? mergedLayout(tree) : timeLayout(tree)), [tree, merged]);
  const byLane = useMemo(() => {
    const lanes: Box[][] = Array.from({ length: layout.lanes }, () => []);
    for (const box of layout.boxes) lanes[box.lane]?.push(box);
    for (const lane of lanes) lane.sort((a, b) => a.start - b.start);
    return lanes;
  }, [layout]);
  const shown = merged ? share : window;
  const whole = merged ? 1 : tree.duration;
  const show = merged ? (next: Window) => setShare(clampShare(next)) : onWindow;

  const draw = useCallback(
    (frame: Frame) => {
      const { context, width, colour } = frame;
      const length = shown.end - shown.start;
      context.font = "11px Inter, system-ui, sans-serif";
      context.textBaseline = "middle";
      byLane.forEach((lane, at) => {
        let drawn = Number.NEGATIVE_INFINITY;
        for (const box of lane) {
          const left = ((box.start - shown.start) / length) * width;
          const right = ((box.end - shown.start) / length) * width;
          // Boxes that end inside the pixel drawn last would not be seen.
          if (right < 0 || left > width || right < drawn + 0.5) continue;
          const from = Math.max(0, left);
          const size = Math.max(1, Math.min(width, right) - from - 0.5);
          drawn = from + size;
          const isError = merged ? box.errors > 0 : tree.status[box.index] === ERROR;
          const fill = colour(isError ? "--error" : colourOf(box.index));
          context.globalAlpha = hits && !merged && hits[box.index] !== 1 ? 0.12 : 0.42;
          context.fillStyle = fill;
          context.fillRect(from, at * LANE_PX + 1, size, LANE_PX - 2);
          context.globalAlpha = 1;
          context.fillRect(from, at * LANE_PX + 1, Math.min(size, 2), LANE_PX - 2);
          if (box.index === selected && !merged) {
            context.strokeStyle = colour("--text");
            context.lineWidth = 2;
            context.strokeRect(from + 1, at * LANE_PX + 2, Math.max(1, size - 2), LANE_PX - 4);
          }
          if (size > LABEL_PX) {
            context.save();
            context.beginPath();
            context.rect(from + 2, at * LANE_PX, size - 6, LANE_PX);
            context.clip();
            context.fillStyle = colour("--text");
            const times = box.count > 1 ? `\u00d7${box.count} ` : "";
            context.fillText(
              `${times}${nameOf(tree, box.index)}  ${formatDuration(box.total)}`,
              from + 7,
              at * LANE_PX + LANE_PX / 2 + 0.5,
            );
            context.restore();
          }
        }
      });
    },
    [byLane, shown, merged, tree, colourOf, hits, selected],
  );
  const canvas = useCanvas(draw);
  const boxAt = (clientX: number, clientY: number): { box: Box; x: number; y: number } | null => {
    const rect = canvas.current?.getBoundingClientRect();
    if (!rect) return null;
    const at = shown.start + ((clientX - rect.left) / rect.width) * (shown.end - shown.start);
    const pixel = (shown.end - shown.start) / rect.width;
    const lane = byLane[Math.floor((clientY - rect.top) / LANE_PX)];
    const box = lane?.find((each) => each.start <= at && Math.max(each.end, each.start + pixel) >= at);
    return box ? { box, x: clientX - rect.left, y: clientY - rect.top } : null;
  };
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      const rect = element.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const at = shown.start + ((event.clientX - rect.left) / rect.width) * (shown.end - shown.start);
        const factor = event.deltaY > 0 ? 1.2 : 1 / 1.2;
        if (merged) {
          const length = Math.min(1, Math.max(1e-6, (shown.end - shown.start) * factor));
          const part = (at - shown.start) / (shown.end - shown.start);
          show({ start: at - part * length, end: at + (1 - part) * length });
        } else show(zoomAt(shown, at, factor, whole));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        const by = (event.deltaX || event.deltaY) / rect.width;
        if (merged) {
          const delta = (shown.end - shown.start) * by;
          show({ start: shown.start + delta, end: shown.end + delta });
        } else show(panBy(shown, by, whole));
      }
    };
    // React registers wheel listeners as passive, which cannot stop the page from scrolling.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  });
  return (
    <div className={styles.root}>
      <div className={styles.tools}>
        <div role="group" aria-label="Layout" className={styles.choice}>
          {[false, true].map((value) => (
            <button
              key={String(value)}
              type="button"
              className="button small"
              aria-pressed={merged === value}
              onClick={() => {
                setMerged(value);
                setHover(null);
              }}
            >
              {value ? "Merged, heaviest left" : "In order of time"}
            </button>
          ))}
        </div>
        <span className="faint">
          {merged
            ? "spans with the same path are one box; Ctrl+wheel zooms"
            : "parallel spans stand below each other; Ctrl+wheel zooms"}
        </span>
      </div>
      <div
        ref={scroller}
        className={styles.scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        role="img"
        aria-label={`Flame graph of ${plural(tree.count, "span")}; the waterfall has the same data as rows`}
      >
        <canvas
          ref={canvas}
          className={styles.canvas}
          style={{ height: Math.max(1, layout.lanes) * LANE_PX }}
          onPointerMove={(event) => setHover(boxAt(event.clientX, event.clientY))}
          onPointerLeave={() => setHover(null)}
          onClick={(event) => {
            const found = boxAt(event.clientX, event.clientY);
            if (!found) return;
            if (merged) setShare(clampShare(found.box));
            else onSelect(found.box.index);
          }}
          onDoubleClick={(event) => {
            const found = boxAt(event.clientX, event.clientY);
            if (found && !merged)
              onWindow({ start: found.box.start, end: Math.max(found.box.end, found.box.start + 1) });
          }}
        />
        {hover && <Tip tree={tree} {...hover} merged={merged} width={canvas.current?.clientWidth ?? 0} />}
      </div>
      {merged && share.end - share.start < 1 && (
        <button type="button" className={`button small ${styles.reset}`} onClick={() => setShare({ start: 0, end: 1 })}>
          Show all
        </button>
      )}
    </div>
  );
}

function clampShare({ start, end }: Window): Window {
  const length = Math.min(1, Math.max(1e-9, end - start));
  const from = Math.min(Math.max(0, start), 1 - length);
  return { start: from, end: from + length };
}

function Tip({
  tree,
  box,
  x,
  y,
  merged,
  width,
}: {
  tree: TraceTree;
  box: Box;
  x: number;
  y: number;
  merged: boolean;
  width: number;
}) {
  return (
    <div className={styles.tip} data-side={x > width / 2 ? "left" : "right"} style={{ left: x, top: y + 14 }}>
      <strong>{serviceOf(tree, box.index)}</strong> {nameOf(tree, box.index)}
      <div className="muted">
        {formatDuration(box.total)} ({formatPercent(box.total / tree.duration)} of the trace), self{" "}
        {formatDuration(box.self)}
      </div>
      {merged ? (
        <div className="muted">
          {plural(box.count, "span")}
          {box.errors > 0 && `, ${plural(box.errors, "error")}`}
        </div>
      ) : (
        <div className="muted">starts at {formatDuration(box.start)}</div>
      )}
    </div>
  );
}
