// The time axis above the bars. Dragging zooms to a range, a double click shows the whole trace. At the left, the spans
// above the first visible row.
import { useMemo, useRef, useState } from "react";
import { type Store, useStore } from "../../lib/store.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { LOG_ROW, type Rows } from "./rows.ts";
import { ancestors, nameOf, type TraceTree } from "./tree.ts";
import styles from "./Waterfall.module.css";
import { clampWindow, rulerTicks, type Window, wholeTrace } from "./window.ts";

export interface RulerProps {
  tree: TraceTree;
  rows: Rows;
  firstRow: Store<number>;
  window: Window;
  onWindow: (window: Window) => void;
  onSelect: (index: number) => void;
}

const CRUMBS_MAX = 5;

export function Ruler({ tree, rows, firstRow, window, onWindow, onSelect }: RulerProps) {
  const { duration } = tree;
  const axis = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const length = window.end - window.start;
  const ticks = useMemo(() => rulerTicks(window, 7), [window]);
  const at = (clientX: number) => {
    const rect = axis.current?.getBoundingClientRect();
    return rect ? window.start + ((clientX - rect.left) / rect.width) * length : 0;
  };
  const step = (ticks[1]?.at ?? 0) - (ticks[0]?.at ?? 0);
  /** The label of a tick at the end stands left of it: it needs the room of two. */
  const labelled = (nanos: number) => (nanos - window.start) / length <= 0.92 || step / length > 0.24;
  const percent = (nanos: number) => `${((nanos - window.start) / length) * 100}%`;
  return (
    <div className={styles.header}>
      <div className={styles.headerName}>
        <Crumbs tree={tree} rows={rows} firstRow={firstRow} onSelect={onSelect} />
        {length < duration && <span className={styles.showing}>showing {formatDuration(length)}</span>}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the same is done with the keys +, -, a, d and Shift+Z */}
      <div
        ref={axis}
        className={styles.axis}
        title="Drag to zoom, double click to reset"
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([at(event.clientX), at(event.clientX)]);
        }}
        onPointerMove={(event) => drag && setDrag([drag[0], at(event.clientX)])}
        onPointerUp={() => {
          if (drag && Math.abs(drag[1] - drag[0]) > length / 200) {
            onWindow(clampWindow({ start: Math.min(...drag), end: Math.max(...drag) }, duration));
          }
          setDrag(null);
        }}
        onDoubleClick={() => onWindow(wholeTrace(duration))}
      >
        {ticks.map((tick) => (
          <span
            key={tick.at}
            className={styles.tick}
            data-last={(tick.at - window.start) / length > 0.92}
            style={{ left: percent(tick.at) }}
          >
            {labelled(tick.at) ? tick.label : ""}
          </span>
        ))}
        {drag && (
          <span
            className={styles.brush}
            style={{ left: percent(Math.min(...drag)), width: `${(Math.abs(drag[1] - drag[0]) / length) * 100}%` }}
          />
        )}
      </div>
    </div>
  );
}

function Crumbs({ tree, rows, firstRow, onSelect }: Pick<RulerProps, "tree" | "rows" | "firstRow" | "onSelect">) {
  const row = useStore(firstRow);
  const at = rows.kind[row] === LOG_ROW ? -1 : (rows.ref[row] ?? -1);
  const above = row > 0 && at >= 0 ? ancestors(tree, at).reverse() : [];
  if (above.length === 0) return <span>Service and operation</span>;
  return (
    <nav className={styles.crumbs} aria-label="Spans above the first row">
      {above.length > CRUMBS_MAX && <span>… </span>}
      {above.slice(-CRUMBS_MAX).map((index) => (
        <button key={index} type="button" className={styles.crumb} onClick={() => onSelect(index)}>
          {nameOf(tree, index)}
        </button>
      ))}
    </nav>
  );
}
