// The waterfall: a tree of names at the left, bars on a common time axis at the right, only the visible rows mounted.
import { useEffect, useMemo, useRef, useState } from "react";
import type { LogRecord } from "../../api/logs.ts";
import { VirtualRows, type VirtualRowsHandle } from "../../components/VirtualRows.tsx";
import { createPreference } from "../../lib/store.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Segment, Tree } from "./model.ts";
import { SpanRow } from "./SpanRow.tsx";
import styles from "./Waterfall.module.css";
import { clampWindow, panBy, rulerTicks, type Window, wholeTrace, zoomAt } from "./window.ts";

export interface WaterfallProps {
  tree: Tree;
  rows: readonly number[];
  colours: ReadonlyMap<string, string>;
  /** Segments by node; null when the critical path is switched off. */
  critical: ReadonlyMap<number, Segment[]> | null;
  logsBySpan: ReadonlyMap<string, LogRecord[]> | null;
  hits: ReadonlySet<number>;
  collapsed: ReadonlySet<string>;
  selected: number | null;
  window: Window;
  onWindow: (window: Window) => void;
  onSelect: (index: number) => void;
  onToggle: (index: number) => void;
}

const ROW_PX = 24;
const HEADER_PX = 26;
/** Room after the end of the axis, as in the style sheet. */
const RIGHT_PX = 14;
const treeWidth = createPreference<string>("trace-tree-width", null, "0.36");

export function Waterfall(props: WaterfallProps) {
  const { tree, rows, window, onWindow, selected } = props;
  const [share, setShare] = useState(() => Number(treeWidth.get()) || 0.36);
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualRowsHandle>(null);
  useEffect(() => treeWidth.set(String(share)), [share]);
  useEffect(() => {
    const row = selected === null ? -1 : rows.indexOf(selected);
    if (row >= 0) list.current?.reveal(row);
  }, [selected, rows]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      const rect = element.getBoundingClientRect();
      const left = rect.left + rect.width * share;
      const right = rect.right - RIGHT_PX;
      if (event.clientX < left) return;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const at = window.start + ((event.clientX - left) / (right - left)) * (window.end - window.start);
        onWindow(zoomAt(window, at, event.deltaY > 0 ? 1.2 : 1 / 1.2, tree.duration));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        onWindow(panBy(window, (event.deltaX || event.deltaY) / (right - left), tree.duration));
      }
    };
    // React registers wheel listeners as passive, which cannot stop the page from scrolling.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [window, onWindow, tree.duration, share]);

  const resize = (clientX: number) => {
    const rect = box.current?.getBoundingClientRect();
    if (rect) setShare(Math.min(0.7, Math.max(0.15, (clientX - rect.left) / rect.width)));
  };
  return (
    <div ref={box} className={styles.box} style={{ "--tree": `${share * 100}%` } as React.CSSProperties}>
      <VirtualRows
        ref={list}
        role="treegrid"
        label="Spans"
        count={rows.length}
        rowHeight={ROW_PX}
        headerHeight={HEADER_PX}
        header={<Ruler window={window} duration={tree.duration} onWindow={onWindow} />}
        renderRow={(row) => {
          const index = rows[row];
          const node = index === undefined ? undefined : tree.nodes[index];
          if (!node) return null;
          return (
            <SpanRow
              key={node.index}
              tree={tree}
              node={node}
              row={row}
              window={window}
              colour={props.colours.get(node.span.service) ?? "var(--muted)"}
              critical={props.critical?.get(node.index) ?? null}
              logs={props.logsBySpan?.get(node.span.span_id) ?? null}
              hit={props.hits.has(node.index)}
              collapsed={props.collapsed.has(node.span.span_id)}
              selected={node.index === selected}
              onSelect={props.onSelect}
              onToggle={props.onToggle}
            />
          );
        }}
      />
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the names"
        aria-valuenow={Math.round(share * 100)}
        tabIndex={0}
        className={styles.splitter}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && resize(event.clientX)}
        onKeyDown={(event) => {
          const step = event.key === "ArrowRight" ? 0.02 : event.key === "ArrowLeft" ? -0.02 : 0;
          if (step === 0) return;
          event.preventDefault();
          event.stopPropagation();
          setShare(Math.min(0.7, Math.max(0.15, share + step)));
        }}
      />
    </div>
  );
}

interface RulerProps {
  window: Window;
  duration: number;
  onWindow: (window: Window) => void;
}

/** The time axis. Dragging zooms to a range, a double click shows the whole trace. */
function Ruler({ window, duration, onWindow }: RulerProps) {
  const axis = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const length = window.end - window.start;
  const ticks = useMemo(() => rulerTicks(window, 7), [window]);
  const at = (clientX: number) => {
    const rect = axis.current?.getBoundingClientRect();
    return rect ? window.start + ((clientX - rect.left) / rect.width) * length : 0;
  };
  const percent = (nanos: number) => `${((nanos - window.start) / length) * 100}%`;
  return (
    <div className={styles.header}>
      <div className={styles.headerName}>
        Service and operation
        {length < duration && <span className="faint">showing {formatDuration(length)}</span>}
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
            {tick.label}
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
