// The whole trace in 52 pixels: one line per span, errors in red, log ticks, and the shown window. Dragging chooses a
// window; the wheel zooms.
import { useCallback, useEffect, useRef, useState } from "react";
import { type Frame, useCanvas } from "../../charts/canvas.ts";
import type { TraceLog } from "./bars.ts";
import styles from "./Minimap.module.css";
import { ERROR, type TraceTree } from "./tree.ts";
import { clampWindow, type Window, wholeTrace, zoomAt } from "./window.ts";

export interface MinimapProps {
  tree: TraceTree;
  colourOf: (index: number) => string;
  logs: readonly TraceLog[];
  window: Window;
  onWindow: (window: Window) => void;
}

const LOG_STRIP_PX = 6;

export function Minimap({ tree, colourOf, logs, window, onWindow }: MinimapProps) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const draw = useCallback(
    (frame: Frame) => {
      drawSpans(frame, tree, colourOf);
      const { context, width, height, colour } = frame;
      for (const log of logs) {
        context.fillStyle = colour(log.colour);
        context.fillRect((log.at / tree.duration) * width, height - LOG_STRIP_PX, 2, LOG_STRIP_PX - 1);
      }
    },
    [tree, colourOf, logs],
  );
  const canvas = useCanvas(draw);
  const at = useCallback(
    (clientX: number) => {
      const rect = box.current?.getBoundingClientRect();
      return rect ? Math.min(1, Math.max(0, (clientX - rect.left) / rect.width)) * tree.duration : 0;
    },
    [tree.duration],
  );
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      onWindow(zoomAt(window, at(event.clientX), event.deltaY > 0 ? 1.25 : 0.8, tree.duration));
    };
    // React registers wheel listeners as passive, which cannot stop the page from scrolling.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [window, onWindow, at, tree.duration]);
  const shown = drag ? { start: Math.min(...drag), end: Math.max(...drag) } : window;
  const percent = (nanos: number) => `${(nanos / tree.duration) * 100}%`;
  const whole = shown.start <= 0 && shown.end >= tree.duration;
  return (
    <div
      ref={box}
      className={styles.box}
      aria-hidden
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const start = at(event.clientX);
        setDrag([start, start]);
      }}
      onPointerMove={(event) => drag && setDrag([drag[0], at(event.clientX)])}
      onPointerUp={() => {
        if (drag && Math.abs(drag[1] - drag[0]) > tree.duration / 200) {
          onWindow(clampWindow({ start: Math.min(...drag), end: Math.max(...drag) }, tree.duration));
        }
        setDrag(null);
      }}
      onDoubleClick={() => onWindow(wholeTrace(tree.duration))}
    >
      <canvas ref={canvas} className={styles.canvas} />
      {!whole && (
        <>
          <div className={styles.shade} style={{ left: 0, width: percent(shown.start) }} />
          <div className={styles.shade} style={{ left: percent(shown.end), right: 0 }} />
          <div
            className={styles.frame}
            style={{ left: percent(shown.start), width: percent(shown.end - shown.start) }}
          />
        </>
      )}
    </div>
  );
}

/** One line per span while there is room, else many spans share a line; what lies on a drawn pixel is skipped. */
function drawSpans({ context, width, height, colour }: Frame, tree: TraceTree, colourOf: (index: number) => string) {
  const room = height - LOG_STRIP_PX - 6;
  const lines = Math.max(1, Math.min(tree.count, Math.floor(room / 2)));
  const thickness = Math.max(1, Math.min(3, room / tree.count - 0.5));
  const until = new Float64Array(lines).fill(Number.NEGATIVE_INFINITY);
  let line = -1;
  for (let i = 0; i < tree.count; i++) {
    const next = tree.count <= lines ? i : Math.floor((i / tree.count) * lines);
    if (next !== line) line = next;
    const x = ((tree.start[i] ?? 0) / tree.duration) * width;
    const right = Math.max(x + 1, ((tree.end[i] ?? 0) / tree.duration) * width);
    const isError = tree.status[i] === ERROR;
    if (!isError && right <= (until[line] ?? 0) && x > (until[line] ?? 0) - 1) continue;
    until[line] = Math.max(until[line] ?? 0, right);
    context.fillStyle = colour(isError ? "--error" : colourOf(i));
    context.fillRect(x, 3 + (line / lines) * room, right - x, thickness);
  }
}
