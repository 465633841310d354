// Logs: query, volume by level, fields, the records, and one record in the panel at the right.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { ApiError } from "../../api/client.ts";
import { fetchLogs, fetchLogVolume, type LogRecord } from "../../api/logs.ts";
import { StackedBars } from "../../charts/StackedBars.tsx";
import { FieldsPanel } from "../../components/FieldsPanel.tsx";
import { FilterBar } from "../../components/FilterBar.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { addTerm } from "../../lib/filter.ts";
import { useReport } from "../../lib/report.ts";
import { formatDay } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { refreshNow, useTime, useView } from "../../lib/view.ts";
import { LogPeek } from "./LogPeek.tsx";
import styles from "./LogsPage.module.css";
import { LogTable } from "./LogTable.tsx";

const VOLUME_BUCKETS = 80;
const PINNED = ["service", "level", "body"];
const PINNED_FIELDS = PINNED.slice(0, 2);

export function LogsPage() {
  const { search, patch } = useView();
  const { range, zone, setRange, asOfMilli } = useTime();
  const q = search.q ?? "";
  const order = search.order === "asc" ? "asc" : "desc";
  const columns = useMemo(() => (search.cols ? search.cols.split(",") : []), [search.cols]);
  const run = useCallback((query: string) => patch({ q: query || undefined, peek: undefined }), [patch]);
  const filter = (key: string, value: string, exclude: boolean) => run(addTerm(q, key, value, exclude));

  const pages = useInfiniteQuery({
    queryKey: ["logs", range, q, order],
    queryFn: ({ pageParam, signal }) =>
      fetchLogs({ range, q, order, ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.value.next_cursor,
    placeholderData: keepPreviousData,
  });
  const volume = useQuery({
    queryKey: ["log-volume", range, q],
    queryFn: ({ signal }) => fetchLogVolume(range, q, VOLUME_BUCKETS, signal),
    placeholderData: keepPreviousData,
  });

  const records = useMemo(() => pages.data?.pages.flatMap((page) => page.value.logs) ?? [], [pages.data]);
  const last = pages.data?.pages.at(-1);
  const partial = last?.value.partial?.reason ?? volume.data?.value.partial?.reason ?? null;
  useReport({
    asOfMilli,
    elapsedMs: last?.elapsedMs ?? null,
    rowsScanned: last?.value.stats?.rows_scanned ?? null,
    partial,
    notes: records.length > 0 ? [`${records.length} rows loaded`] : [],
    busy: pages.isFetching,
  });

  const peeked = search.peek?.startsWith("log:") ? search.peek.slice(4) : null;
  const record = peeked ? records.find((candidate) => candidate.id === peeked) : undefined;
  const open = useCallback((next: LogRecord | null) => patch({ peek: next ? `log:${next.id}` : undefined }), [patch]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const errorAt = pages.error instanceof ApiError ? pages.error.facts.position : undefined;

  return (
    <>
      <FilterBar
        signal="logs"
        value={q}
        range={range}
        errorAt={errorAt}
        onRun={run}
        placeholder={'service:api level>=warn "timed out" -level:debug'}
      >
        <select
          className="input"
          aria-label="Order"
          value={order}
          onChange={(event) => patch({ order: event.target.value === "asc" ? "asc" : undefined, peek: undefined })}
        >
          <option value="desc">Newest first</option>
          <option value="asc">Oldest first</option>
        </select>
      </FilterBar>
      {pages.error && <ErrorBox error={pages.error} query={q} onRetry={() => void pages.refetch()} onApply={run} />}
      {partial && <PartialStrip reason={partial} onRetry={refreshNow} />}
      <div className={styles.volume}>
        {volume.data && <VolumeChart data={volume.data.value} range={range} zone={zone} onSelect={setRange} />}
      </div>
      <div className={styles.body}>
        <FieldsPanel
          signal="logs"
          range={range}
          query={q}
          pinned={PINNED_FIELDS}
          onQuery={run}
          columns={columns}
          onToggleColumn={(field) => {
            const next = columns.includes(field) ? columns.filter((name) => name !== field) : [...columns, field];
            patch({ cols: next.join(",") || undefined }, { replace: true });
          }}
        />
        <div className={styles.results}>
          {pages.isPending && !pages.error && <Skeleton rows={24} rowHeight={22} />}
          {pages.isSuccess && records.length === 0 && <NothingFound signal="logs" query={q} onQuery={run} />}
          {records.length > 0 && (
            <LogTable
              records={records}
              query={q}
              zone={zone}
              withDay={formatDay(range.fromMilli, zone) !== formatDay(range.toMilli, zone)}
              columns={columns}
              openId={peeked}
              onOpen={open}
              onFilter={filter}
              onNearEnd={loadMore}
              end={endText(hasNextPage, order)}
            />
          )}
        </div>
        {record && <LogPeek record={record} zone={zone} onClose={() => open(null)} onFilter={filter} />}
      </div>
    </>
  );
}

function endText(more: boolean, order: "asc" | "desc"): string {
  if (more) return "loading more";
  return order === "desc" ? "start of the range" : "end of the range";
}

type VolumeData = Awaited<ReturnType<typeof fetchLogVolume>>["value"];

interface VolumeProps {
  data: VolumeData;
  range: { fromMilli: number; toMilli: number };
  zone: string;
  onSelect: (range: { fromMilli: number; toMilli: number }) => void;
}

/** Errors at the bottom: that is where small numbers can be compared. */
const STACK_ORDER = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "UNSPECIFIED"];

function VolumeChart({ data, range, zone, onSelect }: VolumeProps) {
  const stacks = useMemo(
    () =>
      STACK_ORDER.flatMap((level) => {
        const index = data.levels.indexOf(level);
        if (index < 0) return [];
        return [
          { name: level, colour: `--level-${level.toLowerCase()}`, counts: data.counts.map((row) => row[index] ?? 0) },
        ];
      }),
    [data],
  );
  return (
    <StackedBars
      label="Log volume"
      stacks={stacks}
      startMilli={nanosToMilli(parseNanos(data.start_unix_nano))}
      stepMilli={data.step_nanos / 1e6}
      range={range}
      zone={zone}
      onSelect={onSelect}
    />
  );
}
