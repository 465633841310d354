// The records, virtual. Selecting text never opens a row; the time button, Enter or a double click does. A click puts
// the cursor, Shift+click and Shift+arrows mark a range of rows.
import { ChevronRight } from "lucide-react";
import {
  type MouseEvent,
  memo,
  type Ref,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { LevelTag } from "../../components/LevelTag.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { TraceChip } from "../../components/TraceChip.tsx";
import { VirtualRows, type VirtualRowsHandle } from "../../components/VirtualRows.tsx";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { markMatches } from "../../lib/log-body.ts";
import { formatClock, formatInstant, formatNanos } from "../../lib/time/format.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./LogTable.module.css";
import { fieldOf, type LogRow } from "./rows.ts";
import { rowTops } from "./wrap.ts";

export interface LogTableHandle {
  reveal: (index: number) => void;
  toTop: () => void;
}

export interface LogTableProps {
  rows: readonly LogRow[];
  /** Rows put in above by the last change of `rows`. */
  shift: number;
  /** Words that are marked in the bodies. */
  wanted: readonly string[];
  zone: Zone;
  /** The range has more than one day. */
  withDay: boolean;
  columns: readonly string[];
  wrap: boolean;
  openId: string | null;
  /** A record that stands out, as the one whose context is shown. */
  anchorId?: string | null;
  onOpen: (row: LogRow | null) => void;
  onFilter: (key: string, value: string, exclude: boolean) => void;
  onContext: (row: LogRow) => void;
  onMarked: (rows: readonly LogRow[]) => void;
  onFirst?: (index: number) => void;
  onNearEnd?: (() => void) | undefined;
  onNearStart?: (() => void) | undefined;
  /** What the row after the last one says. */
  end: React.ReactNode;
  label?: string;
  ref?: Ref<LogTableHandle>;
}

const NONE: readonly LogRow[] = [];
const ROW_PX = 22;
const HEADER_PX = 26;
/** Of the font of the table, 12 px. */
const CHARACTER_PX = 7.2;
const DRAG_PX = 3;

export function LogTable(props: LogTableProps) {
  const { rows, shift, wanted, zone, withDay, columns, wrap, openId, anchorId = null, onOpen, ref } = props;
  const [cursor, setCursor] = useState(-1);
  const [mark, setMark] = useState<readonly [number, number] | null>(null);
  const [bodyPx, setBodyPx] = useState(0);
  const list = useRef<VirtualRowsHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  const bodyHead = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (openId) setCursor(rows.findIndex((row) => row.id === openId));
  }, [openId, rows]);
  // Before the browser paints: what is looked at stays where it is while rows come in above.
  useLayoutEffect(() => {
    if (shift === 0 || rows.length === 0) return;
    list.current?.shift(shift);
    setCursor((old) => (old < 0 ? old : old + shift));
    setMark((old) => (old ? [old[0] + shift, old[1] + shift] : old));
  }, [rows, shift]);
  useEffect(() => {
    const head = bodyHead.current;
    if (!wrap || !head) return;
    const observer = new ResizeObserver(() => setBodyPx(head.clientWidth));
    observer.observe(head);
    return () => observer.disconnect();
  }, [wrap]);
  const characters = Math.floor((bodyPx - 4) / CHARACTER_PX);
  const tops = useMemo(() => (wrap && characters > 0 ? rowTops(rows, characters) : null), [wrap, rows, characters]);
  useImperativeHandle(
    ref,
    () => ({
      reveal: (index) => {
        setCursor(index);
        list.current?.reveal(index);
      },
      toTop: () => list.current?.toTop(),
    }),
    [],
  );
  const [from, to] = mark ? [Math.min(...mark), Math.max(...mark)] : [-1, -2];
  const { onMarked } = props;
  const marking = to > from;
  useEffect(() => onMarked(marking ? rows.slice(from, to + 1) : NONE), [marking, from, to, rows, onMarked]);

  const move = (step: number, extend = false) => {
    const next = Math.min(rows.length - 1, Math.max(0, cursor + step));
    setMark(extend ? [mark ? mark[0] : Math.max(0, cursor), next] : null);
    setCursor(next);
    list.current?.reveal(next);
    // With a record open, moving swaps what the panel shows.
    const row = rows[next];
    if (openId && row && !extend) onOpen(row);
  };
  const current = rows[cursor];
  const page = () => Math.max(1, Math.floor((box.current?.clientHeight ?? 400) / ROW_PX) - 2);
  const keepValue = (exclude: boolean) => current && props.onFilter("service", current.service, exclude);
  useKeys("page", "List", [
    ...rowKeys(move),
    { keys: "shift+ArrowDown", label: "Mark down", run: () => move(1, true) },
    { keys: "shift+ArrowUp", label: "Mark up", run: () => move(-1, true) },
    { keys: "PageDown", label: "A page down", run: () => move(page()) },
    { keys: "PageUp", label: "A page up", run: () => move(-page()) },
    { keys: "Home", label: "First row", run: () => move(-rows.length) },
    { keys: "End", label: "Last loaded row", run: () => move(rows.length) },
    { keys: "Enter", label: "Open the row", run: () => current && onOpen(current.id === openId ? null : current) },
    { keys: "u", label: "What was around this row", run: () => current && props.onContext(current) },
    { keys: "i", label: "Only this service", run: () => keepValue(false) },
    { keys: "shift+i", label: "Without this service", run: () => keepValue(true) },
  ]);
  const [sample] = rows;
  const numeric = columns.map((column) => sample !== undefined && NUMBER.test(fieldOf(sample, column)));
  const template = `${withDay ? 172 : 116}px 74px minmax(72px, 132px) ${columns.map((_, at) => (numeric[at] ? "minmax(60px, 90px)" : "minmax(90px, 150px)")).join(" ")} minmax(220px, 1fr) 30px`;
  const latest = useRef({ cursor, onOpen, openId });
  latest.current = { cursor, onOpen, openId };
  const [actions] = useState(() => ({
    pick: (index: number, extend: boolean) => {
      setMark(extend ? [latest.current.cursor < 0 ? index : latest.current.cursor, index] : null);
      if (!extend) setCursor(index);
    },
    open: (index: number, row: LogRow) => {
      setMark(null);
      setCursor(index);
      latest.current.onOpen(row.id === latest.current.openId ? null : row);
    },
  }));

  return (
    <div ref={box} className={styles.box}>
      <VirtualRows
        ref={list}
        role="grid"
        label={props.label ?? "Log records"}
        className={styles.table}
        count={rows.length}
        rowHeight={ROW_PX}
        headerHeight={HEADER_PX}
        tops={tops}
        {...(props.onFirst ? { onFirst: props.onFirst } : {})}
        {...(props.onNearEnd ? { onNearEnd: props.onNearEnd } : {})}
        {...(props.onNearStart ? { onNearStart: props.onNearStart } : {})}
        header={
          <div className={styles.header} role="row" style={{ gridTemplateColumns: template }}>
            <Head>Time</Head>
            <Head>Level</Head>
            <Head>Service</Head>
            {columns.map((column, at) => (
              <div
                key={column}
                role="columnheader"
                data-chosen
                className={`ellipsis ${numeric[at] ? "number" : ""}`}
                title={column}
              >
                {column}
              </div>
            ))}
            <div role="columnheader" ref={bodyHead}>
              Body
            </div>
            <Head>
              <span className="sr-only">Trace</span>
            </Head>
          </div>
        }
        footer={<div className={styles.end}>{props.end}</div>}
        renderRow={(index, slot) => {
          const row = rows[index];
          if (!row) return null;
          return (
            <Row
              key={slot}
              row={row}
              index={index}
              zone={zone}
              withDay={withDay}
              columns={columns}
              wanted={wanted}
              template={template}
              height={tops ? (tops[index + 1] ?? 0) - (tops[index] ?? 0) : ROW_PX}
              wrap={tops !== null}
              current={index === cursor}
              marked={index >= from && index <= to}
              open={row.id === openId}
              anchor={row.id === anchorId}
              actions={actions}
            />
          );
        }}
      />
    </div>
  );
}

function Head({ children }: { children: React.ReactNode }) {
  return (
    <div role="columnheader" className="ellipsis">
      {children}
    </div>
  );
}

interface RowProps {
  row: LogRow;
  index: number;
  zone: Zone;
  withDay: boolean;
  columns: readonly string[];
  wanted: readonly string[];
  template: string;
  height: number;
  wrap: boolean;
  current: boolean;
  marked: boolean;
  open: boolean;
  anchor: boolean;
  actions: { pick: (index: number, extend: boolean) => void; open: (index: number, row: LogRow) => void };
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;

const Row = memo(function Row(props: RowProps) {
  const { row, index, zone, withDay, columns, wanted, template, height, wrap, current, marked, open, anchor, actions } =
    props;
  const pressed = useRef<[number, number]>([0, 0]);
  const moved = (event: MouseEvent) =>
    Math.hypot(event.clientX - pressed.current[0], event.clientY - pressed.current[1]) > DRAG_PX;
  const selecting = () => (getSelection()?.toString().trim() ?? "") !== "";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the arrow keys and Enter do the same for the row under the cursor
    <div
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={current || marked}
      className={styles.row}
      data-open={open}
      data-anchor={anchor}
      data-marked={marked}
      data-wrap={wrap}
      data-level={row.level}
      style={{ gridTemplateColumns: template, height }}
      onMouseDown={(event) => {
        pressed.current = [event.clientX, event.clientY];
        // Shift+click marks rows; without this the browser would select the text between them.
        if (event.shiftKey) event.preventDefault();
      }}
      onClick={(event) => {
        if (event.shiftKey || !(moved(event) || selecting())) actions.pick(index, event.shiftKey);
      }}
      onDoubleClick={(event) => {
        // A double click selects a word; that alone is no reason to open the row, a second place is.
        if (!moved(event)) {
          getSelection()?.removeAllRanges();
          actions.open(index, row);
        }
      }}
    >
      <div role="gridcell">
        <button
          type="button"
          className={styles.time}
          tabIndex={-1}
          aria-expanded={open}
          title={formatNanos(row.nanos, zone)}
          onClick={(event) => {
            event.stopPropagation();
            actions.open(index, row);
          }}
        >
          <ChevronRight size={12} aria-hidden />
          {withDay ? formatInstant(row.milli, zone) : formatClock(row.milli, zone, true)}
        </button>
      </div>
      <div role="gridcell">
        <LevelTag level={row.level} />
      </div>
      <div role="gridcell" className={styles.service}>
        <ServiceName name={row.service} />
      </div>
      {columns.map((column) => {
        const value = fieldOf(row, column);
        return (
          <div
            role="gridcell"
            key={column}
            data-chosen
            className={`ellipsis ${NUMBER.test(value) ? "number" : ""}`}
            title={value}
          >
            {value}
          </div>
        );
      })}
      <div role="gridcell" className={styles.text}>
        {markMatches(row.line, wanted).map((part, place) =>
          part.hit ? <mark key={place}>{part.text}</mark> : part.text,
        )}
      </div>
      <div role="gridcell">
        {row.traceId && <TraceChip traceId={row.traceId} spanId={row.spanId} aroundMilli={row.milli} />}
      </div>
    </div>
  );
});
