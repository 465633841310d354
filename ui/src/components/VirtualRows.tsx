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
}

export interface VirtualRowsProps {
  count: number;
  rowHeight: number;
  renderRow: (index: number) => ReactNode;
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

  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const top = Math.floor(element.scrollTop / rowHeight);
    const first = Math.max(0, Math.floor((top - OVERSCAN_ROWS) / STEP_ROWS) * STEP_ROWS);
    const bottom = Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + OVERSCAN_ROWS;
    const last = Math.ceil(bottom / STEP_ROWS) * STEP_ROWS;
    onFirst?.(top);
    setWindow((old) => (old.first === first && old.last === last ? old : { first, last }));
    if (onNearEnd && shown > 0 && shown * rowHeight - element.scrollTop < element.clientHeight * 2) onNearEnd();
  }, [rowHeight, shown, onNearEnd, onFirst]);

  const reveal = useCallback(
    (index: number) => {
      const element = box.current;
      if (!element) return;
      kept.current = index;
      const top = index * rowHeight;
      const room = element.clientHeight - headerHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowHeight > element.scrollTop + room) element.scrollTop = top + rowHeight - room;
    },
    [rowHeight, headerHeight],
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

  useImperativeHandle(ref, () => ({ reveal }), [reveal]);

  const rows: ReactNode[] = [];
  for (let index = window_.first; index < Math.min(shown, window_.last); index++) rows.push(renderRow(index));
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
      <div className={styles.space} style={{ height: shown * rowHeight }}>
        <div className={styles.rows} style={{ transform: `translateY(${window_.first * rowHeight}px)` }}>
          {layer?.(window_.first, Math.min(shown, window_.last))}
          {rows}
        </div>
      </div>
      {footer}
    </div>
  );
}
