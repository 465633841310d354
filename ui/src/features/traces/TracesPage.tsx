// Traces: query, duration over time, facets, and the traces found. A trace is found when one of its spans matches.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo } from "react";
import { ApiError } from "../../api/client.ts";
import { fetchTraces } from "../../api/traces.ts";
import { FieldsPanel } from "../../components/FieldsPanel.tsx";
import { FilterBar } from "../../components/FilterBar.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { useReport } from "../../lib/report.ts";
import { formatDay } from "../../lib/time/format.ts";
import { refreshNow, useTime, useView } from "../../lib/view.ts";
import { DurationScatter } from "./DurationScatter.tsx";
import styles from "./TracesPage.module.css";
import { TraceTable } from "./TraceTable.tsx";

const PAGE_SIZE = 100;
const CHART_TRACES = 300;
const PINNED = ["service", "name", "status", "kind"];
const TRACE_ID = /^\s*([0-9a-f]{32})\s*$/i;

export function TracesPage() {
  const { search, patch } = useView();
  const { range, zone, setRange, asOfMilli } = useTime();
  const navigate = useNavigate();
  const q = search.q ?? "";
  const open = useCallback(
    (traceId: string) => void navigate({ to: "/traces/$traceId", params: { traceId }, search: {} }),
    [navigate],
  );
  const run = useCallback(
    (query: string) => {
      const id = TRACE_ID.exec(query)?.[1];
      if (id) open(id.toLowerCase());
      else patch({ q: query || undefined });
    },
    [patch, open],
  );
  const pages = useInfiniteQuery({
    queryKey: ["traces", range, q],
    queryFn: ({ pageParam, signal }) =>
      fetchTraces({ range, q, limit: PAGE_SIZE, ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.value.next_cursor,
    placeholderData: keepPreviousData,
  });
  const traces = useMemo(() => pages.data?.pages.flatMap((page) => page.value.traces) ?? [], [pages.data]);
  const last = pages.data?.pages.at(-1);
  const partial = last?.value.partial?.reason ?? null;
  useReport({
    asOfMilli,
    elapsedMs: last?.elapsedMs ?? null,
    rowsScanned: last?.value.stats?.rows_scanned ?? null,
    partial,
    notes: traces.length > 0 ? [`${traces.length} traces loaded`] : [],
    busy: pages.isFetching,
  });
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  // The chart needs more than a screenful to show a shape.
  useEffect(() => {
    if (traces.length > 0 && traces.length < CHART_TRACES) loadMore();
  }, [traces.length, loadMore]);
  const errorAt = pages.error instanceof ApiError ? pages.error.facts.position : undefined;
  return (
    <>
      <FilterBar
        signal="traces"
        value={q}
        range={range}
        errorAt={errorAt}
        onRun={run}
        placeholder={'service:api status:error duration>500ms http.route:"/v1/match"   or a trace id'}
      />
      {pages.error && <ErrorBox error={pages.error} query={q} onRetry={() => void pages.refetch()} onApply={run} />}
      {partial && <PartialStrip reason={partial} onRetry={refreshNow} />}
      {traces.length > 0 && (
        <div className={styles.chart}>
          <DurationScatter
            traces={traces}
            range={range}
            zone={zone}
            complete={!hasNextPage}
            onOpen={open}
            onSelect={setRange}
          />
        </div>
      )}
      <div className={styles.body}>
        <FieldsPanel signal="traces" range={range} query={q} pinned={PINNED} onQuery={run} />
        <div className={styles.results}>
          {pages.isPending && !pages.error && <Skeleton rows={20} rowHeight={32} />}
          {pages.isSuccess && traces.length === 0 && <NothingFound signal="traces" query={q} onQuery={run} />}
          {traces.length > 0 && (
            <TraceTable
              traces={traces}
              zone={zone}
              withDay={formatDay(range.fromMilli, zone) !== formatDay(range.toMilli, zone)}
              onNearEnd={loadMore}
              onOpen={open}
              end={hasNextPage ? "loading more" : "start of the range"}
            />
          )}
        </div>
      </div>
    </>
  );
}
