// The records, one line each, virtual. Selecting text never opens a row; the time button, Enter or a double click does.
import { Link } from "@tanstack/react-router";
import { ChevronRight, GitFork } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LogRecord } from "../../api/logs.ts";
import { findAttribute } from "../../api/otlp.ts";
import { LevelTag } from "../../components/LevelTag.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { VirtualRows, type VirtualRowsHandle } from "../../components/VirtualRows.tsx";
import { searchedTexts } from "../../lib/filter.ts";
import { useKeys } from "../../lib/keys.ts";
import { bodyLine, markMatches } from "../../lib/log-body.ts";
import { formatClock, formatInstant, formatNanos } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./LogTable.module.css";

export interface LogTableProps {
  records: readonly LogRecord[];
  query: string;
  zone: Zone;
  /** The range has more than one day. */
  withDay: boolean;
  columns: readonly string[];
  openId: string | null;
  onOpen: (record: LogRecord | null) => void;
  onFilter: (key: string, value: string, exclude: boolean) => void;
  onNearEnd: () => void;
  /** What the row after the last one says. */
  end: string;
}

const ROW_PX = 22;
const HEADER_PX = 26;

export function LogTable({
  records,
  query,
  zone,
  withDay,
  columns,
  openId,
  onOpen,
  onFilter,
  onNearEnd,
  end,
}: LogTableProps) {
  const [cursor, setCursor] = useState(-1);
  const rows = useRef<VirtualRowsHandle>(null);
  const wanted = useMemo(() => searchedTexts(query), [query]);
  useEffect(() => {
    if (openId) setCursor(records.findIndex((record) => record.id === openId));
  }, [openId, records]);

  const move = (step: number) => {
    const next = Math.min(records.length - 1, Math.max(0, cursor + step));
    setCursor(next);
    rows.current?.reveal(next);
    // With a record open, moving swaps what the panel shows.
    const record = records[next];
    if (openId && record) onOpen(record);
  };
  const openCurrent = () => {
    const record = records[cursor];
    if (record) onOpen(record.id === openId ? null : record);
  };
  useKeys("page", "List", [
    { keys: "j", label: "Next row", run: () => move(1) },
    { keys: "k", label: "Previous row", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next row", run: () => move(1) },
    { keys: "ArrowUp", label: "Previous row", run: () => move(-1) },
    { keys: "Enter", label: "Open the row", run: openCurrent },
    {
      keys: "i",
      label: "Only this service",
      run: () => records[cursor] && onFilter("service", records[cursor].service, false),
    },
  ]);
  const template = `${withDay ? 172 : 116}px 74px 132px ${columns.map(() => "minmax(90px, 160px)").join(" ")} minmax(220px, 1fr) 30px`;

  return (
    <VirtualRows
      ref={rows}
      role="grid"
      label="Log records"
      className={styles.table}
      count={records.length}
      rowHeight={ROW_PX}
      headerHeight={HEADER_PX}
      onNearEnd={onNearEnd}
      header={
        <div className={styles.header} role="row" tabIndex={-1} style={{ gridTemplateColumns: template }}>
          <Head>Time</Head>
          <Head>Level</Head>
          <Head>Service</Head>
          {columns.map((column) => (
            <Head key={column}>{column}</Head>
          ))}
          <Head>Body</Head>
          <Head>
            <span className="sr-only">Trace</span>
          </Head>
        </div>
      }
      footer={<div className={styles.end}>{end}</div>}
      renderRow={(index) => {
        const record = records[index];
        if (!record) return null;
        return (
          <Row
            key={record.id || index}
            record={record}
            index={index}
            zone={zone}
            withDay={withDay}
            columns={columns}
            wanted={wanted}
            template={template}
            current={index === cursor}
            open={record.id === openId}
            onOpen={() => {
              setCursor(index);
              onOpen(record.id === openId ? null : record);
            }}
          />
        );
      }}
    />
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
  record: LogRecord;
  index: number;
  zone: Zone;
  withDay: boolean;
  columns: readonly string[];
  wanted: readonly string[];
  template: string;
  current: boolean;
  open: boolean;
  onOpen: () => void;
}

function Row({ record, index, zone, withDay, columns, wanted, template, current, open, onOpen }: RowProps) {
  const nanos = parseNanos(record.time_unix_nano === "0" ? record.observed_time_unix_nano : record.time_unix_nano);
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={current}
      className={styles.row}
      data-open={open}
      data-level={record.level}
      style={{ gridTemplateColumns: template }}
      onDoubleClick={() => getSelection()?.toString().trim() === "" && onOpen()}
    >
      <button
        type="button"
        className={styles.time}
        tabIndex={-1}
        aria-expanded={open}
        title={formatNanos(nanos, zone)}
        onClick={onOpen}
      >
        <ChevronRight size={12} aria-hidden />
        {withDay ? formatInstant(nanosToMilli(nanos), zone) : formatClock(nanosToMilli(nanos), zone, true)}
      </button>
      <div>
        <LevelTag level={record.level} />
      </div>
      <div className={styles.service}>
        <ServiceName name={record.service} />
      </div>
      {columns.map((column) => (
        <div key={column} className="ellipsis">
          {findAttribute(record.attributes, column) ?? findAttribute(record.resource.attributes, column) ?? ""}
        </div>
      ))}
      <div className={styles.text}>
        {markMatches(bodyLine(record.body), wanted).map((part, place) =>
          part.hit ? <mark key={place}>{part.text}</mark> : part.text,
        )}
      </div>
      <div>
        {record.trace_id && (
          <Link
            to="/traces/$traceId"
            params={{ traceId: record.trace_id }}
            search={record.span_id ? { span: record.span_id } : {}}
            className={styles.trace}
            title={`Trace ${record.trace_id}`}
            aria-label="Open the trace"
            tabIndex={-1}
          >
            <GitFork size={13} aria-hidden />
          </Link>
        )}
      </div>
    </div>
  );
}
