// Traces: query, spans over time, durations as a heat map, facets, and what was found: as traces, as spans, in groups,
// or as one structure. A trace is found when one of its spans matches.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { ApiError } from "../../api/client.ts";
import { fetchTraces } from "../../api/traces.ts";
import { DropTraceFile } from "../../components/DropTraceFile.tsx";
import { ExportMenu } from "../../components/ExportMenu.tsx";
import { FieldsPanel } from "../../components/FieldsPanel.tsx";
import { FilterBar } from "../../components/FilterBar.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ErrorBox, PartialStrip, RefreshBar, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { addTerm } from "../../lib/filter.ts";
import { formatCount } from "../../lib/number.ts";
import { useRefresh } from "../../lib/refresh.ts";
import { useReport } from "../../lib/report.ts";
import { formatDay } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { useTime, useView } from "../../lib/view.ts";
import { DurationFacet } from "./DurationFacet.tsx";
import { GroupsView } from "./GroupsView.tsx";
import { OpenFileButton } from "./OpenFileButton.tsx";
import { SearchCharts } from "./SearchCharts.tsx";
import { SpansView } from "./SpansView.tsx";
import { StructureView } from "./StructureView.tsx";
import styles from "./TracesPage.module.css";
import { TraceTable } from "./TraceTable.tsx";

const PAGE_SIZE = 100;
const PINNED = ["service", "name", "status", "kind"];
const TRACE_ID = /^\s*([0-9a-f]{32})\s*$/i;
const MODES = ["traces", "spans", "groups", "structure"] as const;
type Mode = (typeof MODES)[number];
const TITLES: Record<Mode, string> = { traces: "Traces", spans: "Spans", groups: "Groups", structure: "Structure" };

export function TracesPage() {
  const { search, patch } = useView();
  const { range, zone, asOfMilli } = useTime();
  const refresh = useRefresh();
  const navigate = useNavigate();
  const q = search.q ?? "";
  const mode: Mode = MODES.find((id) => id === search.tab) ?? "traces";
  const by = useMemo(() => (search.by ? search.by.split(",") : ["service", "name"]), [search.by]);
  const open = useCallback(
    (traceId: string, startNano = "") => {
      const search = aroundSearch(nanosToMilli(parseNanos(startNano)));
      void navigate({ to: "/traces/$traceId", params: { traceId }, search });
    },
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
    notes: traces.length > 0 ? [`${formatCount(traces.length)} traces loaded`] : [],
    busy: pages.isFetching,
  });
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const errorAt = pages.error instanceof ApiError ? pages.error.facts.position : undefined;
  const withDay = formatDay(range.fromMilli, zone) !== formatDay(range.toMilli, zone);
  const usesList = mode === "traces" || mode === "structure";
  return (
    <DropTraceFile>
      <FilterBar
        signal="traces"
        value={q}
        range={range}
        errorAt={errorAt}
        onRun={run}
        placeholder={'service:api status:error duration>500ms http.route:"/v1/match"   or a trace id'}
      >
        <OpenFileButton />
        <ExportMenu signal="traces" range={range} q={q} />
      </FilterBar>
      {!pages.error && <SearchCharts range={range} q={q} zone={zone} onQuery={run} />}
      <div className={styles.body}>
        <FieldsPanel
          signal="traces"
          range={range}
          query={q}
          pinned={PINNED}
          onQuery={run}
          top={<DurationFacet range={range} q={q} onQuery={run} />}
        />
        <div className={styles.results}>
          <Tabs
            label="Result"
            current={mode}
            onChange={(next) => patch({ tab: next === "traces" ? undefined : next })}
            tabs={MODES.map((id) => ({ id, title: TITLES[id] }))}
          />
          <RefreshBar busy={pages.isFetching && traces.length > 0 && usesList} />
          {usesList && pages.error && (
            <ErrorBox error={pages.error} query={q} onRetry={() => void pages.refetch()} onApply={run} />
          )}
          {usesList && partial && <PartialStrip reason={partial} onRetry={refresh} />}
          {usesList && pages.isPending && !pages.error && <Skeleton rows={20} rowHeight={32} />}
          {usesList && pages.isSuccess && traces.length === 0 && (
            <NothingFound signal="traces" query={q} onQuery={run} />
          )}
          {mode === "traces" && traces.length > 0 && (
            <TraceTable
              traces={traces}
              zone={zone}
              withDay={withDay}
              onNearEnd={loadMore}
              onOpen={(trace) => open(trace.trace_id, trace.start_unix_nano)}
              end={hasNextPage ? "loading more" : "start of the range"}
            />
          )}
          {mode === "structure" && traces.length > 0 && (
            <StructureView
              traces={traces}
              more={hasNextPage}
              onMore={loadMore}
              onPick={(service, name) => run(addTerm(addTerm(q, "service", service), "name", name))}
            />
          )}
          {mode === "spans" && <SpansView range={range} q={q} zone={zone} withDay={withDay} onQuery={run} />}
          {mode === "groups" && (
            <GroupsView
              range={range}
              q={q}
              by={by}
              onBy={(next) => patch({ by: next.join(",") || undefined })}
              onQuery={run}
            />
          )}
        </div>
      </div>
    </DropTraceFile>
  );
}
