// A list of rows of one fixed height, of which only the visible ones exist. Row `index` stands at `index * rowHeight`.
import { type ReactNode, type Ref, useCallback, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import styles from "./VirtualRows.module.css";

/** Browsers clamp the height of an element at about 17 million pixels; lists stay well below. */
const MAX_HEIGHT_PX = 8_000_000;
const OVERSCAN_ROWS = 12;
/** The mounted part moves in steps of this many rows: most frames of a scroll then change nothing at all. */
const STEP_ROWS = 8;

export interface VirtualRowsHandle {
  /** Scrolls as little as needed to show the row. */
  reveal: (index: number) => void;
  /** After rows were put in (or taken out, negative) above: keeps what is seen where it is. */
  shift: (rows: number) => void;
  toTop: () => void;
}

export interface VirtualRowsProps {
  count: number;
  rowHeight: number;
  /** `slot` is free again when the row leaves: as the key of the row it makes the next one use the same elements. */
  renderRow: (index: number, slot: number) => ReactNode;
  /** Drawn behind the mounted rows, from `first` to `last` (exclusive), and scrolled with them. */
  layer?: (first: number, last: number) => ReactNode;
  /** The first row in view, told when it changes. */
  onFirst?: (index: number) => void;
  /** Shown once above all rows and kept in view. */
  header?: ReactNode;
  headerHeight?: number;
  /** Shown after the last row. */
  footer?: ReactNode;
  /** Called when fewer than a screenful of rows is left. */
  onNearEnd?: () => void;
  /** Called when fewer than a screenful of rows is above. */
  onNearStart?: () => void;
  /** Tops of rows that differ in height, one more than there are rows; `rowHeight` is then the least height. */
  tops?: Float64Array | null;
  className?: string | undefined;
  role: "grid" | "treegrid" | "list";
  label: string;
  ref?: Ref<VirtualRowsHandle>;
}

export function VirtualRows(props: VirtualRowsProps) {
  const {
    count,
    rowHeight,
    renderRow,
    layer,
    onFirst,
    header,
    headerHeight = 0,
    footer,
    onNearEnd,
    onNearStart,
    tops = null,
    className,
    role,
    label,
    ref,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const [window_, setWindow] = useState({ first: 0, last: 60 });
  /** The row that must stay in view while the box changes its size; -1 once the user has scrolled. */
  const kept = useRef(-1);
  const shown = Math.min(count, Math.floor(MAX_HEIGHT_PX / rowHeight));
  const topOf = useCallback((index: number) => tops?.[index] ?? index * rowHeight, [tops, rowHeight]);
  const rowAt = useCallback((y: number) => (tops ? placeOf(tops, y) : Math.floor(y / rowHeight)), [tops, rowHeight]);

  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const top = rowAt(element.scrollTop);
    const first = Math.max(0, Math.floor((top - OVERSCAN_ROWS) / STEP_ROWS) * STEP_ROWS);
    // Where rows are of one height, as many are mounted at each place: slots are used again, canvases keep their size.
    const seen = tops
      ? rowAt(element.scrollTop + element.clientHeight) + 1 - first
      : Math.ceil(element.clientHeight / rowHeight) + 1 + OVERSCAN_ROWS + STEP_ROWS;
    const last = first + Math.ceil((seen + OVERSCAN_ROWS) / STEP_ROWS) * STEP_ROWS;
    onFirst?.(top);
    setWindow((old) => (old.first === first && old.last === last ? old : { first, last }));
    if (onNearEnd && shown > 0 && topOf(shown) - element.scrollTop < element.clientHeight * 2) onNearEnd();
    if (onNearStart && shown > 0 && element.scrollTop < element.clientHeight) onNearStart();
  }, [rowAt, topOf, tops, rowHeight, shown, onNearEnd, onNearStart, onFirst]);

  const reveal = useCallback(
    (index: number) => {
      const element = box.current;
      if (!element) return;
      kept.current = index;
      const top = topOf(index);
      const bottom = topOf(index + 1);
      const room = element.clientHeight - headerHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (bottom > element.scrollTop + room) element.scrollTop = Math.min(top, bottom - room);
    },
    [topOf, headerHeight],
  );

  useLayoutEffect(() => {
    measure();
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (kept.current >= 0) reveal(kept.current);
      measure();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure, reveal]);

  useImperativeHandle(
    ref,
    () => ({
      reveal,
      shift: (rows) => {
        if (box.current) box.current.scrollTop += rows * rowHeight;
      },
      toTop: () => {
        if (box.current) box.current.scrollTop = 0;
      },
    }),
    [reveal, rowHeight],
  );

  const rows: ReactNode[] = [];
  const slots = window_.last - window_.first;
  for (let index = window_.first; index < Math.min(shown, window_.last); index++) {
    rows.push(renderRow(index, index % slots));
  }
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: every role this component takes supports aria-label
    <div
      ref={box}
      className={`${styles.box} ${className ?? ""}`}
      onScroll={measure}
      onWheel={() => {
        kept.current = -1;
      }}
      onPointerDown={() => {
        kept.current = -1;
      }}
      role={role}
      aria-label={label}
      aria-rowcount={role === "list" ? undefined : count}
      tabIndex={0}
    >
      {header && <div className={styles.header}>{header}</div>}
      <div className={styles.space} style={{ height: topOf(shown) }}>
        {/* Not by a transform: a row that stays mounted then stands where it stood, and is not painted again. */}
        <div className={styles.rows} style={{ top: topOf(window_.first) }}>
          {layer?.(window_.first, Math.min(shown, window_.last))}
          {rows}
        </div>
      </div>
      {footer}
    </div>
  );
}

/** The last row whose top is not below `y`. */
function placeOf(tops: Float64Array, y: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}
