// The traces found, newest first.
import { Link, useNavigate } from "@tanstack/react-router";
import { GitCompareArrows } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { TraceSummary } from "../../api/traces.ts";
import { ServiceName } from "../../components/ServiceName.tsx";
import { VirtualRows, type VirtualRowsHandle } from "../../components/VirtualRows.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { serviceColour } from "../../lib/colour.ts";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { formatCount } from "../../lib/number.ts";
import { formatClock, formatDuration, formatInstant, formatNanos } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import type { Zone } from "../../lib/time/zone.ts";
import page from "./TracesPage.module.css";
import styles from "./TraceTable.module.css";

export interface TraceTableProps {
  traces: readonly TraceSummary[];
  zone: Zone;
  /** The range has more than one day. */
  withDay: boolean;
  onNearEnd: () => void;
  onOpen: (trace: TraceSummary) => void;
  /** What the row after the last one says. */
  end: string;
}

const ROW_PX = 32;
const HEADER_PX = 26;
const MAX_PILLS = 4;

export function TraceTable({ traces, zone, withDay, onNearEnd, onOpen, end }: TraceTableProps) {
  const [cursor, setCursor] = useState(-1);
  const rows = useRef<VirtualRowsHandle>(null);
  const slowest = Math.max(1, ...traces.map((trace) => trace.duration_nanos));
  useEffect(() => {
    if (cursor >= 0) rows.current?.reveal(cursor);
  }, [cursor]);
  const move = (step: number) => setCursor((old) => Math.min(traces.length - 1, Math.max(0, old + step)));
  const navigate = useNavigate();
  const [marked, setMarked] = useState<readonly string[]>([]);
  /** Two at most: a third takes the place of the first. */
  const mark = (id: string) =>
    setMarked((old) => (old.includes(id) ? old.filter((each) => each !== id) : [...old, id].slice(-2)));
  const compare = (a: string, b: string) => void navigate({ to: "/traces/compare", search: { a, b } });
  const current = traces[cursor]?.trace_id;
  const openCurrent = () => {
    const trace = traces[cursor];
    if (trace) onOpen(trace);
  };
  useKeys("page", "List", [
    ...rowKeys(move),
    { keys: "Home", label: "First row", run: () => setCursor(0) },
    { keys: "End", label: "Last loaded row", run: () => setCursor(traces.length - 1) },
    { keys: "Enter", label: "Open the trace", run: openCurrent },
    { keys: "x", label: "Mark the trace", run: () => current && mark(current) },
    { keys: "m", label: "Compare with a typical trace", run: () => current && compare(current, "typical") },
    {
      keys: "shift+m",
      label: "Compare the two marked traces",
      run: () => marked[0] && marked[1] && compare(marked[0], marked[1]),
    },
  ]);
  return (
    <>
      <VirtualRows
        ref={rows}
        role="grid"
        label="Traces"
        count={traces.length}
        rowHeight={ROW_PX}
        headerHeight={HEADER_PX}
        onNearEnd={onNearEnd}
        header={
          <div className={styles.header} data-days={withDay} role="row">
            <div role="columnheader">
              <span className="sr-only">Mark</span>
            </div>
            <div role="columnheader">Start</div>
            <div role="columnheader">Root operation</div>
            <div role="columnheader">Duration</div>
            <div role="columnheader" className="number">
              Spans
            </div>
            <div role="columnheader" className="number">
              Errors
            </div>
            <div role="columnheader" className={styles.wide}>
              Services
            </div>
          </div>
        }
        footer={<div className={styles.end}>{end}</div>}
        renderRow={(index) => {
          const trace = traces[index];
          return trace ? (
            <Row
              key={trace.trace_id}
              trace={trace}
              index={index}
              zone={zone}
              withDay={withDay}
              slowest={slowest}
              current={index === cursor}
              mark={marked.indexOf(trace.trace_id)}
              onMark={mark}
            />
          ) : null;
        }}
      />
      {marked.length > 0 && (
        <div className={page.compare} role="toolbar" aria-label="Marked traces">
          {marked.map((id, at) => (
            <span key={id}>
              <b>{"AB"[at]}</b> <code>{id.slice(0, 8)}</code>
            </span>
          ))}
          {marked[0] && marked[1] ? (
            <button
              type="button"
              className="button small primary"
              onClick={() => compare(marked[0] ?? "", marked[1] ?? "")}
            >
              <GitCompareArrows size={13} aria-hidden /> Compare
            </button>
          ) : (
            <>
              <span className="faint">mark another, or</span>
              <button type="button" className="button small" onClick={() => compare(marked[0] ?? "", "typical")}>
                compare with a typical one
              </button>
            </>
          )}
          <button type="button" className="button quiet small" onClick={() => setMarked([])}>
            Clear
          </button>
        </div>
      )}
    </>
  );
}

interface RowProps {
  trace: TraceSummary;
  index: number;
  zone: Zone;
  withDay: boolean;
  slowest: number;
  current: boolean;
  /** Place among the marked traces, -1 when it is not one. */
  mark: number;
  onMark: (id: string) => void;
}

function Row({ trace, index, zone, withDay, slowest, current, mark, onMark }: RowProps) {
  const start = parseNanos(trace.start_unix_nano);
  return (
    <Link
      to="/traces/$traceId"
      params={{ traceId: trace.trace_id }}
      search={aroundSearch(nanosToMilli(start))}
      preload="intent"
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={current}
      className={styles.row ?? ""}
      data-days={withDay}
    >
      <div role="gridcell">
        <button
          type="button"
          className={styles.mark}
          tabIndex={-1}
          aria-pressed={mark >= 0}
          aria-label={`Mark the trace ${trace.root_name}`}
          title="Mark for comparison (x)"
          onClick={(event) => {
            event.preventDefault();
            event.stopPropagation();
            onMark(trace.trace_id);
          }}
        >
          {mark >= 0 ? "AB"[mark] : ""}
        </button>
      </div>
      <div className={styles.time} title={formatNanos(start, zone)}>
        {withDay ? formatInstant(nanosToMilli(start), zone) : formatClock(nanosToMilli(start), zone, true)}
      </div>
      <div className={styles.root}>
        <ServiceName name={trace.root_service || "missing root"} />
        <span className={styles.name}>{trace.root_name}</span>
      </div>
      <div className={styles.duration}>
        <span className={styles.track}>
          <i
            data-error={trace.error_count > 0}
            style={{ width: `${Math.max(1, (trace.duration_nanos / slowest) * 100)}%` }}
          />
        </span>
        <span className={styles.length}>{formatDuration(trace.duration_nanos)}</span>
      </div>
      <div className="number">{formatCount(trace.span_count)}</div>
      <div className="number">
        {trace.error_count > 0 ? (
          <span className="badge error">{formatCount(trace.error_count)}</span>
        ) : (
          <span className="faint">0</span>
        )}
      </div>
      <div className={`${styles.services} ${styles.wide}`}>
        {trace.services.slice(0, MAX_PILLS).map((service) => (
          <span key={service.name} className={styles.pill} title={`${service.name}: ${service.spans} spans`}>
            <i style={{ background: serviceColour(service.name) }} />
            {service.name}
            <span className="faint">{service.spans}</span>
          </span>
        ))}
        {trace.services.length > MAX_PILLS && <span className="faint">+{trace.services.length - MAX_PILLS}</span>}
      </div>
    </Link>
  );
}
