// The waterfall: a tree of names at the left, bars on a common time axis at the right, only the visible rows mounted.
import { useCallback, useEffect, useRef, useState } from "react";
import type { LogRecord } from "../../api/logs.ts";
import { VirtualRows, type VirtualRowsHandle } from "../../components/VirtualRows.tsx";
import { isNarrow } from "../../lib/narrow.ts";
import { createPreference, createStore } from "../../lib/store.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { Bars } from "./Bars.tsx";
import { ROW_PX, type TraceLog } from "./bars.ts";
import type { CriticalPath } from "./critical.ts";
import type { Run } from "./groups.ts";
import { Ruler } from "./Ruler.tsx";
import { LOG_ROW, type Rows, RUN_ROW } from "./rows.ts";
import { LogRow, RunRow, SpanRow } from "./SpanRow.tsx";
import type { TraceTree } from "./tree.ts";
import styles from "./Waterfall.module.css";
import { panBy, type Window, zoomAt } from "./window.ts";

export interface WaterfallProps {
  tree: TraceTree;
  rows: Rows;
  runs: ReadonlyMap<number, Run> | null;
  opened: ReadonlySet<number>;
  /** Name of the CSS variable of each span's colour. */
  colourOf: (index: number) => string;
  /** Null when the critical path is switched off. */
  path: CriticalPath | null;
  logs: readonly TraceLog[];
  records: readonly LogRecord[];
  logsOf: ReadonlyMap<number, readonly number[]> | null;
  hits: Uint8Array | null;
  collapsed: ReadonlySet<number>;
  /** The row that has the cursor; -1 for none. */
  current: number;
  window: Window;
  onWindow: (window: Window) => void;
  onSelect: (index: number) => void;
  onToggle: (index: number) => void;
  onToggleRun: (first: number) => void;
  onZoom: (index: number) => void;
  onLog: (log: LogRecord) => void;
}

const HEADER_PX = 26;
/** Of a phone's width: names must be readable there. */
const NARROW_SHARE = 0.55;
/** Room after the end of the axis, as in the style sheet. */
const RIGHT_PX = 14;
const treeWidth = createPreference<string>("trace-tree-width", null, "0.36");

export function Waterfall(props: WaterfallProps) {
  const { tree, rows, window, onWindow, current, logs } = props;
  const [share, setShare] = useState(() => (isNarrow() ? NARROW_SHARE : Number(treeWidth.get()) || 0.36));
  const [firstRow] = useState(() => createStore(0));
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualRowsHandle>(null);
  const cross = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isNarrow()) treeWidth.set(String(share));
  }, [share]);
  useEffect(() => {
    if (current >= 0) list.current?.reveal(current);
  }, [current]);

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
  /** The crosshair is moved past React: it follows the pointer at every event. */
  const moveCross = (clientX: number) => {
    const rect = box.current?.getBoundingClientRect();
    const line = cross.current;
    if (!rect || !line) return;
    const left = rect.width * share;
    const right = rect.width - RIGHT_PX;
    const x = clientX - rect.left;
    line.hidden = x < left || x > right;
    line.style.transform = `translateX(${x}px)`;
    const at = window.start + ((x - left) / (right - left)) * (window.end - window.start);
    line.dataset.side = x > (left + right) / 2 ? "left" : "right";
    if (line.firstChild) line.firstChild.textContent = formatDuration(Math.max(0, at));
  };
  const onFirst = useCallback((row: number) => firstRow.set(row), [firstRow]);
  const variable = (index: number) => `var(${props.colourOf(index)})`;
  const renderRow = (row: number, slot: number) => {
    const at = rows.ref[row] ?? 0;
    if (rows.kind[row] === LOG_ROW) {
      const log = props.records[at];
      const depth = tree.depth[logs[at]?.span ?? 0] ?? 0;
      return log ? (
        <LogRow key={`l${slot}`} log={log} depth={depth} row={row} selected={row === current} onSelect={props.onLog} />
      ) : null;
    }
    if (rows.kind[row] === RUN_ROW) {
      const run = props.runs?.get(at);
      return run ? (
        <RunRow
          key={`r${slot}`}
          tree={tree}
          run={run}
          row={row}
          colour={variable(at)}
          open={props.opened.has(at)}
          selected={row === current}
          onToggle={props.onToggleRun}
        />
      ) : null;
    }
    return (
      <SpanRow
        key={slot}
        tree={tree}
        index={at}
        row={row}
        colour={variable(at)}
        hit={props.hits?.[at] === 1}
        dim={props.hits !== null && props.hits[at] !== 1}
        collapsed={props.collapsed.has(at)}
        selected={row === current}
        onSelect={props.onSelect}
        onToggle={props.onToggle}
        onZoom={props.onZoom}
      />
    );
  };
  return (
    <div
      ref={box}
      className={styles.box}
      style={{ "--tree": `${share * 100}%` } as React.CSSProperties}
      onPointerMove={(event) => moveCross(event.clientX)}
      onPointerLeave={() => {
        if (cross.current) cross.current.hidden = true;
      }}
    >
      <VirtualRows
        ref={list}
        role="treegrid"
        label="Spans"
        count={rows.length}
        rowHeight={ROW_PX}
        headerHeight={HEADER_PX}
        header={
          <Ruler
            tree={tree}
            rows={rows}
            firstRow={firstRow}
            window={window}
            onWindow={onWindow}
            onSelect={props.onSelect}
          />
        }
        onFirst={onFirst}
        renderRow={renderRow}
        layer={(first, last) => (
          <Bars
            tree={tree}
            rows={rows}
            runs={props.runs}
            opened={props.opened}
            window={window}
            colourOf={props.colourOf}
            path={props.path}
            hits={props.hits}
            logs={logs}
            logsOf={props.logsOf}
            first={first}
            last={last}
          />
        )}
      />
      <div ref={cross} className={styles.cross} hidden aria-hidden>
        <span />
      </div>
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
