// The values under the cursor: the nearest lines, sorted by value. Pinned, it stays, can be moved, and has the actions.
import { X } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { formatPercent } from "../lib/number.ts";
import { formatInstant } from "../lib/time/format.ts";
import { offsetLabel, type Zone } from "../lib/time/zone.ts";
import styles from "./LineChart.module.css";
import { type Incomplete, type Line, writerOf } from "./series.ts";

/** Where the cursor is. */
export interface At {
  index: number;
  /** CSS pixels from the left of the chart. */
  left: number;
  /** The height of the pointer on the axis of values. */
  value: number;
  /** Where a value of a line with an axis of its own stands on the main one. */
  onMain: (line: Line, value: number) => number;
  /** The pointer is over another chart of the page. */
  follows: boolean;
}

export interface ChartTipProps {
  at: At;
  pinned: boolean;
  lines: readonly Line[];
  previous: readonly Line[];
  /** Unix seconds. */
  time: number;
  zone: Zone;
  format: (value: number) => string;
  width: number;
  stacked: boolean;
  incomplete: Incomplete | null;
  actions: ((point: { line: Line; unixMilli: number; value: number }) => ReactNode) | undefined;
  onClose: () => void;
}

const LINES_MAX = 8;
const FOLLOWING_MAX = 3;
const MARGIN_PX = 6;

export function ChartTip(props: ChartTipProps) {
  const { at, pinned, lines, previous, time, zone, format, width, stacked, incomplete, actions, onClose } = props;
  const [moved, setMoved] = useState<[number, number]>([0, 0]);
  const box = useRef<HTMLDivElement>(null);
  // In a narrow panel at the edge of the page there is no room on either side.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || at.follows) return;
    element.style.translate = "";
    const own = element.getBoundingClientRect();
    const page = (element.closest("main") ?? document.body).getBoundingClientRect();
    const over = Math.min(0, page.right - MARGIN_PX - own.right);
    const shift = own.left + over < page.left + MARGIN_PX ? page.left + MARGIN_PX - own.left : over;
    if (shift !== 0) element.style.translate = `${shift}px`;
  });
  const values = lines.flatMap((line) => {
    const value = line.values[at.index];
    return value === null || value === undefined
      ? []
      : [{ line, value, distance: Math.abs(at.onMain(line, value) - at.value) }];
  });
  if (values.length === 0) return null;
  const total = values.reduce((sum, each) => sum + each.value, 0);
  const max = at.follows ? FOLLOWING_MAX : LINES_MAX;
  // On a stack the height of the pointer says nothing about one line: the largest are shown.
  const ranked = [...values].sort((a, b) => (stacked || at.follows ? b.value - a.value : a.distance - b.distance));
  const shown = ranked.slice(0, max);
  const first = shown[0];
  const before = (id: string) => previous.find((line) => line.id === id)?.values[at.index] ?? null;
  const unixMilli = time * 1000;
  return (
    <div
      ref={box}
      className={styles.tip}
      data-side={at.left > width / 2 ? "left" : "right"}
      data-pinned={pinned}
      data-follows={at.follows}
      style={{ left: at.left, marginLeft: moved[0], marginTop: moved[1] }}
    >
      <div
        className={styles.tipHead}
        onPointerDown={(event) => pinned && event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (pinned && event.currentTarget.hasPointerCapture(event.pointerId))
            setMoved(([x, y]) => [x + event.movementX, y + event.movementY]);
        }}
      >
        <span className="muted">
          {formatInstant(unixMilli, zone, false)} {pinned && offsetLabel(unixMilli, zone)}
        </span>
        {pinned && (
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Close"
            title="Close (Esc)"
            onClick={onClose}
          >
            <X size={13} aria-hidden />
          </button>
        )}
      </div>
      {incomplete && (
        <div className={styles.filling}>
          incomplete: {Math.floor(incomplete.seconds)} s of {incomplete.of} s
        </div>
      )}
      {[...shown]
        .sort((a, b) => b.value - a.value)
        .map(({ line, value }) => {
          const old = before(line.id);
          const write = writerOf(line, format);
          return (
            <div key={line.id} className={styles.tipRow} data-nearest={!at.follows && line === first?.line}>
              <i style={{ background: line.colour }} />
              <span className={styles.tipName}>{line.label}</span>
              {old !== null && (
                <span className="faint">
                  {value >= old ? "+" : "\u2212"}
                  {write(Math.abs(value - old))}
                </span>
              )}
              {stacked && total > 0 && <span className="faint">{formatPercent(value / total)}</span>}
              <span>{write(value)}</span>
            </div>
          );
        })}
      {values.length > max && (
        <div className="faint">
          {stacked || at.follows ? "largest" : "nearest"} {max} of {values.length}
        </div>
      )}
      {pinned && actions && first && (
        <div className={styles.actions}>{actions({ line: first.line, unixMilli, value: first.value })}</div>
      )}
    </div>
  );
}
