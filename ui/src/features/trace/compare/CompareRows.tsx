// The merged waterfall: each row has two thin bars, A above B, on a common time base, and the difference.
import { useEffect, useMemo, useRef, useState } from "react";
import { VirtualRows, type VirtualRowsHandle } from "../../../components/VirtualRows.tsx";
import { serviceColour } from "../../../lib/colour.ts";
import { rowKeys, useKeys } from "../../../lib/keys.ts";
import { formatCount } from "../../../lib/number.ts";
import { formatDuration } from "../../../lib/time/format.ts";
import { durationOf, ERROR, nameOf, serviceOf, type TraceTree } from "../tree.ts";
import { rulerTicks } from "../window.ts";
import type { PairRow } from "./align.ts";
import styles from "./ComparePage.module.css";
import { signed, signedPercent } from "./ComparePage.tsx";

export interface CompareRowsProps {
  a: TraceTree;
  b: TraceTree;
  rows: readonly PairRow[];
  selected: number;
  onSelect: (row: number) => void;
}

const ROW_PX = 28;
const INDENT_PX = 12;
const MAX_INDENTS = 12;

type Show = "all" | "different";
/** Differences below this share of the longer trace are not worth a row. */
const WORTH = 0.01;

export function CompareRows({ a, b, rows, selected, onSelect }: CompareRowsProps) {
  const [show, setShow] = useState<Show>("all");
  const list = useRef<VirtualRowsHandle>(null);
  const whole = Math.max(a.duration, b.duration);
  const shown = useMemo(
    () => (show === "all" ? rows.map((_, at) => at) : different(rows, a, b, whole * WORTH)),
    [rows, a, b, show, whole],
  );
  const at = shown.indexOf(selected);
  useEffect(() => {
    if (at >= 0) list.current?.reveal(at);
  }, [at]);
  const move = (step: number) => onSelect(shown[Math.min(shown.length - 1, Math.max(0, at + step))] ?? -1);
  useKeys("page", "Comparison", rowKeys(move));
  return (
    <>
      <div className={styles.tools}>
        <label>
          <input
            type="checkbox"
            checked={show === "different"}
            onChange={() => setShow(show === "all" ? "different" : "all")}
          />{" "}
          only rows that differ by more than 1 %
        </label>
        <span className="faint">
          {formatCount(shown.length)} of {formatCount(rows.length)} rows
        </span>
      </div>
      <VirtualRows
        ref={list}
        role="treegrid"
        label="Spans of both traces"
        count={shown.length}
        rowHeight={ROW_PX}
        headerHeight={26}
        header={
          <div className={`${styles.row} ${styles.head}`} role="row">
            <div role="columnheader">Service and operation</div>
            <div role="columnheader" className={styles.axis}>
              {rulerTicks({ start: 0, end: whole }, 6).map((tick) => (
                <span key={tick.at} className={styles.tick} style={{ left: `${(tick.at / whole) * 100}%` }}>
                  {tick.at / whole < 0.95 ? tick.label : ""}
                </span>
              ))}
            </div>
            <div role="columnheader" className="number">
              A − B
            </div>
          </div>
        }
        renderRow={(place) => {
          const index = shown[place];
          const row = index === undefined ? undefined : rows[index];
          if (!row || index === undefined) return null;
          return (
            <Row
              key={index}
              a={a}
              b={b}
              row={row}
              place={place}
              whole={whole}
              selected={index === selected}
              onSelect={() => onSelect(index)}
            />
          );
        }}
      />
    </>
  );
}

/** Rows whose difference is worth a look, with the rows above them. */
function different(rows: readonly PairRow[], a: TraceTree, b: TraceTree, least: number): number[] {
  const kept = new Set<number>();
  const above: number[] = [];
  rows.forEach((row, at) => {
    above.length = row.depth;
    above[row.depth] = at;
    const lengthA = row.a < 0 ? 0 : durationOf(a, row.a);
    const lengthB = row.b < 0 ? 0 : durationOf(b, row.b);
    if (Math.abs(lengthA - lengthB) >= least) for (const each of above) kept.add(each);
  });
  return [...kept].sort((x, y) => x - y);
}

interface RowProps {
  a: TraceTree;
  b: TraceTree;
  row: PairRow;
  place: number;
  whole: number;
  selected: boolean;
  onSelect: () => void;
}

function Row({ a, b, row, place, whole, selected, onSelect }: RowProps) {
  const [tree, index] = row.a >= 0 ? [a, row.a] : [b, row.b];
  const lengthA = row.a < 0 ? 0 : durationOf(a, row.a);
  const lengthB = row.b < 0 ? 0 : durationOf(b, row.b);
  const delta = lengthA - lengthB;
  const only = row.a < 0 ? "B" : row.b < 0 ? "A" : null;
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-level={row.depth + 1}
      aria-rowindex={place + 1}
      aria-selected={selected}
      className={styles.row}
      data-only={only}
      onClick={onSelect}
      onKeyDown={(event) => event.key === "Enter" && onSelect()}
    >
      <div
        role="gridcell"
        className={styles.name}
        style={{ paddingLeft: 12 + Math.min(row.depth, MAX_INDENTS) * INDENT_PX }}
      >
        <i className={styles.stripe} style={{ background: serviceColour(serviceOf(tree, index)) }} />
        {only && (
          <span className="badge" title={`Only in ${only}`}>
            {only === "A" ? "+ only A" : "− only B"}
          </span>
        )}
        <span className={styles.service}>{serviceOf(tree, index)}</span>
        <span className="ellipsis muted" title={nameOf(tree, index)}>
          {nameOf(tree, index)}
        </span>
      </div>
      <div role="gridcell" className={styles.bars}>
        {row.a >= 0 && <Bar tree={a} index={row.a} whole={whole} side="A" />}
        {row.b >= 0 && <Bar tree={b} index={row.b} whole={whole} side="B" />}
      </div>
      <div role="gridcell" className={styles.difference} data-slower={delta > 0}>
        {only ? (
          <span className="muted">{formatDuration(only === "A" ? lengthA : lengthB)}</span>
        ) : (
          <>
            {delta === 0 ? <span className="muted">same</span> : signed(delta)}
            <span className={styles.ratio}>{signedPercent(lengthA, lengthB)}</span>
          </>
        )}
      </div>
    </div>
  );
}

function Bar({ tree, index, whole, side }: { tree: TraceTree; index: number; whole: number; side: "A" | "B" }) {
  const start = tree.start[index] ?? 0;
  return (
    <span
      className={styles.bar}
      data-side={side}
      data-error={tree.status[index] === ERROR}
      title={`${side}: ${formatDuration(durationOf(tree, index))}, starts at ${formatDuration(start)}`}
      style={{ left: `${(start / whole) * 100}%`, width: `${(durationOf(tree, index) / whole) * 100}%` }}
    />
  );
}
