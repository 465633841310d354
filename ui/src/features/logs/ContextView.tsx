// What was around a record: its stream before and after it, without the query. What the records have in common stands
// above as pills; taking one away widens the view.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { fetchLogContext, fetchLogs, type LogContext } from "../../api/logs.ts";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { term } from "../../lib/filter.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./ContextView.module.css";
import { LogTable, type LogTableHandle } from "./LogTable.tsx";
import { type LogRow, timeOf, toRow } from "./rows.ts";

export interface ContextViewProps {
  id: string;
  /** Names of the pills that were taken away. */
  without: readonly string[];
  zone: Zone;
  columns: readonly string[];
  wrap: boolean;
  openId: string | null;
  onWithout: (names: readonly string[]) => void;
  onOpen: (row: LogRow | null) => void;
  onContext: (row: LogRow) => void;
  onFilter: (key: string, value: string, exclude: boolean) => void;
  onClose: () => void;
}

const SIDE = 50;
const SIDE_MAX = 1000;
const WIDE_MILLI = 3_600_000;

export function ContextView(props: ContextViewProps) {
  const { id, without, zone } = props;
  const [sides, setSides] = useState({ before: SIDE, after: SIDE });
  const table = useRef<LogTableHandle>(null);
  const context = useQuery({
    queryKey: ["log-context", id, sides],
    queryFn: ({ signal }) => fetchLogContext(id, sides, signal),
    placeholderData: keepPreviousData,
  });
  const known = context.data?.value;
  const widened = useQuery({
    queryKey: ["log-context-wide", id, sides, without],
    enabled: known !== undefined && without.length > 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => (known ? fetchWider(known, without, sides, signal) : []),
  });
  const rows = useMemo(() => {
    if (without.length > 0) return widened.data ?? [];
    return known ? [...known.before, known.record, ...known.after].map(toRow) : [];
  }, [known, without.length, widened.data]);
  const at = rows.findIndex((row) => row.id === id);
  useEffect(() => {
    if (at >= 0) table.current?.reveal(Math.min(rows.length - 1, at + 8));
    if (at >= 0) table.current?.reveal(at);
  }, [at, rows.length]);
  const error = context.error ?? widened.error;
  const more = (side: "before" | "after") => setSides((old) => ({ ...old, [side]: Math.min(SIDE_MAX, old[side] * 2) }));
  const pills = known?.stream ?? [];
  return (
    <div className={styles.box}>
      <div className={styles.head}>
        <strong>Around one record</strong>
        {pills.map(({ name, value }) => {
          const off = without.includes(name);
          return (
            <button
              key={name}
              type="button"
              className={styles.pill}
              aria-pressed={!off}
              title={off ? `Only records with this ${name}` : `Also records with another ${name}`}
              onClick={() => props.onWithout(off ? without.filter((each) => each !== name) : [...without, name])}
            >
              {name} <b>{value}</b>
              {!off && <X size={11} aria-hidden />}
            </button>
          );
        })}
        {pills.length === 0 && known && (
          <span className="faint">these records have nothing in common but the time</span>
        )}
        <span className="grow" />
        <button
          type="button"
          className="button small"
          disabled={sides.before >= SIDE_MAX}
          onClick={() => more("before")}
        >
          <ArrowUp size={13} aria-hidden /> Earlier
        </button>
        <button type="button" className="button small" disabled={sides.after >= SIDE_MAX} onClick={() => more("after")}>
          <ArrowDown size={13} aria-hidden /> Later
        </button>
        <button type="button" className="button small" onClick={props.onClose}>
          Back to the search
        </button>
      </div>
      {error && <ErrorBox error={error} onRetry={() => void context.refetch()} />}
      {!error && rows.length === 0 && <Skeleton rows={20} rowHeight={22} />}
      {rows.length > 0 && (
        <LogTable
          ref={table}
          label="Records around one record"
          rows={rows}
          shift={0}
          wanted={NOTHING}
          zone={zone}
          withDay={false}
          columns={props.columns}
          wrap={props.wrap}
          openId={props.openId}
          anchorId={id}
          onOpen={props.onOpen}
          onFilter={props.onFilter}
          onContext={props.onContext}
          onMarked={ignore}
          end={`${rows.length - at - 1} later, ${at} earlier`}
        />
      )}
    </div>
  );
}

const NOTHING: readonly string[] = [];
function ignore(): void {}

/** The same with fewer conditions: a search in both directions from the time of the record. */
async function fetchWider(
  { record, stream }: LogContext,
  without: readonly string[],
  sides: { before: number; after: number },
  signal: AbortSignal,
): Promise<LogRow[]> {
  const q = stream
    .filter(({ name }) => !without.includes(name))
    .map(({ name, value }) => term(name, value))
    .join(" ");
  const milli = Number(timeOf(record) / 1_000_000n);
  const [before, after] = await Promise.all([
    fetchLogs(
      { range: { fromMilli: milli - WIDE_MILLI, toMilli: milli + 1 }, q, order: "desc", limit: sides.before + 1 },
      signal,
    ),
    fetchLogs(
      { range: { fromMilli: milli, toMilli: milli + WIDE_MILLI }, q, order: "asc", limit: sides.after + 1 },
      signal,
    ),
  ]);
  const all = new Map([...before.value.logs, ...after.value.logs, record].map((log) => [log.id, toRow(log)]));
  return [...all.values()].sort((a, b) => (a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : a.id < b.id ? -1 : 1));
}
