// The whole trace in 52 pixels: one line per span, errors in red, log ticks, and the shown window. Dragging chooses a
// window; the wheel zooms.
import { useCallback, useEffect, useRef, useState } from "react";
import type { LogRecord } from "../../api/logs.ts";
import { type Frame, useCanvas } from "../../charts/canvas.ts";
import { nanosBetween, parseNanos } from "../../lib/time/nanos.ts";
import styles from "./Minimap.module.css";
import type { Tree } from "./model.ts";
import { clampWindow, type Window, wholeTrace, zoomAt } from "./window.ts";

export interface MinimapProps {
  tree: Tree;
  colours: ReadonlyMap<string, string>;
  logs: readonly LogRecord[];
  window: Window;
  onWindow: (window: Window) => void;
}

const LOG_STRIP_PX = 6;

export function Minimap({ tree, colours, logs, window, onWindow }: MinimapProps) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const draw = useCallback(
    ({ context, width, height, colour }: Frame) => {
      const room = height - LOG_STRIP_PX - 6;
      const lines = Math.max(1, Math.min(tree.nodes.length, Math.floor(room / 2)));
      const thickness = Math.max(1, Math.min(3, room / tree.nodes.length - 0.5));
      tree.nodes.forEach((node, index) => {
        const row = tree.nodes.length <= lines ? index : Math.floor((index / tree.nodes.length) * lines);
        const y = 3 + (row / lines) * room;
        const name = /var\((.*)\)/.exec(colours.get(node.span.service) ?? "")?.[1] ?? "--muted";
        context.fillStyle = colour(node.isError ? "--error" : name);
        const x = (node.start / tree.duration) * width;
        context.fillRect(x, y, Math.max(1, ((node.end - node.start) / tree.duration) * width), thickness);
      });
      for (const log of logs) {
        const at = nanosBetween(tree.startNanos, parseNanos(log.time_unix_nano)) / tree.duration;
        context.fillStyle = colour(`--level-${log.level.toLowerCase()}`);
        context.fillRect(at * width, height - LOG_STRIP_PX, 2, LOG_STRIP_PX - 1);
      }
    },
    [tree, colours, logs],
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
