// Logs: query, volume by level, fields, and the records (a search, live, or around one record), their patterns, or an
// analysis of them. One record opens in the panel at the right.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { fetchLogContext, fetchLogVolume } from "../../api/logs.ts";
import { ExportMenu } from "../../components/ExportMenu.tsx";
import { FieldsPanel } from "../../components/FieldsPanel.tsx";
import { FilterBar } from "../../components/FilterBar.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ErrorBox, PartialStrip, RefreshBar, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { addTerm, searchedTexts } from "../../lib/filter.ts";
import { useKeys } from "../../lib/keys.ts";
import { later } from "../../lib/later.tsx";
import { formatCount } from "../../lib/number.ts";
import { useRefresh } from "../../lib/refresh.ts";
import { useReport } from "../../lib/report.ts";
import { createPreference, useStore } from "../../lib/store.ts";
import { formatDay } from "../../lib/time/format.ts";
import { useTime, useView } from "../../lib/view.ts";
import { FindBar } from "./FindBar.tsx";
import { LiveStrip } from "./LiveStrip.tsx";
import { LogPeek } from "./LogPeek.tsx";
import styles from "./LogsPage.module.css";
import { LogTable, type LogTableHandle } from "./LogTable.tsx";
import { LogTools } from "./LogTools.tsx";
import { MarkedBar } from "./MarkedBar.tsx";
import type { LogRow } from "./rows.ts";
import { SaveLogs } from "./SaveLogs.tsx";
import { useLogPages } from "./useLogPages.ts";
import { useSave } from "./useSave.ts";
import { useTail } from "./useTail.ts";
import { VolumeChart } from "./VolumeChart.tsx";

const AnalyseView = later(async () => (await import("./AnalyseView.tsx")).AnalyseView);
const PatternsView = later(async () => (await import("../../components/PatternsView.tsx")).PatternsView);
const ContextView = later(async () => (await import("./ContextView.tsx")).ContextView);
const VOLUME_BUCKETS = 80;
const PINNED = ["service", "level"];
/** Within so many rows of the top a tail is followed. */
const TOP_ROWS = 3;
const TABS = ["records", "patterns", "analyse"] as const;
type TabId = (typeof TABS)[number];

export const wrapPreference = createPreference<"on" | "off">("logs-wrap", ["on", "off"], "off");

export function LogsPage() {
  const { search, patch } = useView();
  const { range, zone, setRange, asOfMilli } = useTime();
  const refresh = useRefresh();
  const q = search.q ?? "";
  const order = search.order === "asc" ? "asc" : "desc";
  const tab: TabId = TABS.find((id) => id === search.tab) ?? "records";
  const live = search.live === "1" && tab === "records";
  const context = tab === "records" && !live ? search.context : undefined;
  const columns = useMemo(() => (search.cols ? search.cols.split(",") : []), [search.cols]);
  const without = useMemo(() => (search.scope ? search.scope.split(",") : []), [search.scope]);
  const wrap = useStore(wrapPreference) === "on";
  const [find, setFind] = useState<string | null>(null);
  const [marked, setMarked] = useState<readonly LogRow[]>([]);
  // Not the row itself: scrolling must not draw the page again.
  const [away, setAway] = useState(false);
  const onFirst = useCallback((row: number) => setAway(row > TOP_ROWS), []);
  const table = useRef<LogTableHandle>(null);

  const run = useCallback(
    (query: string) => patch({ q: query || undefined, peek: undefined, context: undefined, scope: undefined }),
    [patch],
  );
  const onFilter = useCallback(
    (key: string, value: string, exclude: boolean) => run(addTerm(q, key, value, exclude)),
    [run, q],
  );
  const list = useLogPages(range, q, order, !live && !context && tab === "records");
  const tail = useTail(q, live);
  const save = useSave({ range, q, order, columns, zone });
  const volume = useQuery({
    queryKey: ["log-volume", range, q],
    queryFn: ({ signal }) => fetchLogVolume(range, q, VOLUME_BUCKETS, signal),
    placeholderData: keepPreviousData,
  });
  const { rows, shift } = live ? tail : list;
  const loaded = useMemo(() => loadedRange(list.rows), [list.rows]);
  const partial = list.partial ?? volume.data?.value.partial?.reason ?? null;
  useReport({
    asOfMilli,
    elapsedMs: list.elapsedMs,
    rowsScanned: list.rowsScanned,
    partial,
    notes: rows.length > 0 ? [`${formatCount(rows.length)} rows loaded`] : [],
    busy: list.busy,
  });

  const peeked = search.peek?.startsWith("log:") ? search.peek.slice(4) : null;
  const open = useCallback((row: LogRow | null) => patch({ peek: row ? `log:${row.id}` : undefined }), [patch]);
  const onContext = useCallback(
    (row: LogRow) => patch({ context: row.id, scope: undefined, live: undefined }),
    [patch],
  );
  // Reading what is below the top must not be disturbed by what arrives.
  const { pause, paused } = tail;
  useEffect(() => {
    if (live && away && !paused) pause(true);
  }, [live, away, paused, pause]);
  const resume = () => {
    table.current?.toTop();
    setAway(false);
    pause(false);
  };
  const toggleLive = () => patch({ live: live ? undefined : "1", context: undefined, tab: undefined, peek: undefined });
  const toggleWrap = () => wrapPreference.set(wrap ? "off" : "on");
  useKeys("page", "Logs", [
    { keys: "l", label: "Live: records as they arrive", run: toggleLive },
    { keys: "w", label: "Wrap long lines", run: toggleWrap },
    { keys: "mod+f", label: "Find in the loaded rows", run: () => setFind(find ?? "") },
    ...(live ? [{ keys: "Space", label: "Pause, go on", run: () => (paused ? resume() : pause(true)) }] : []),
  ]);
  const wanted = useMemo(() => (find ? [find] : searchedTexts(q)), [find, q]);
  const errorAt = list.error instanceof ApiError ? list.error.facts.position : undefined;
  const empty = !live && list.state === "ready" && !list.stale && rows.length === 0;
  const shared = { zone, columns, wrap, openId: peeked, onOpen: open, onFilter, onContext };
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
        <LogTools
          live={live}
          onLive={toggleLive}
          wrap={wrap}
          onWrap={toggleWrap}
          order={order}
          onOrder={(next) => patch({ order: next === "asc" ? "asc" : undefined, peek: undefined })}
        />
        <ExportMenu signal="logs" range={range} q={q} busy={save.running}>
          <SaveLogs save={save} />
        </ExportMenu>
      </FilterBar>
      <div className={styles.volume}>
        {volume.data && (
          <VolumeChart
            data={volume.data.value}
            range={range}
            zone={zone}
            loaded={tab === "records" && !live && !context ? loaded : null}
            onSelect={setRange}
          />
        )}
      </div>
      <div className={styles.body}>
        <FieldsPanel
          signal="logs"
          range={range}
          query={q}
          pinned={PINNED}
          onQuery={run}
          columns={columns}
          onToggleColumn={(field) => {
            const next = columns.includes(field) ? columns.filter((name) => name !== field) : [...columns, field];
            patch({ cols: next.join(",") || undefined }, { replace: true });
          }}
        />
        <div className={styles.results}>
          <Tabs
            label="View"
            current={tab}
            onChange={(next) => patch({ tab: next === "records" ? undefined : next, live: undefined })}
            tabs={[
              { id: "records", title: "Records" },
              { id: "patterns", title: "Patterns" },
              { id: "analyse", title: "Analyse" },
            ]}
          />
          <RefreshBar busy={list.busy && rows.length > 0 && !live} />
          {tab === "patterns" && <PatternsView range={range} q={q} zone={zone} onQuery={run} />}
          {tab === "analyse" && (
            <AnalyseView
              signal="logs"
              range={range}
              q={q}
              pipe={search.by}
              zone={zone}
              onPipe={(pipe) => patch({ by: pipe || undefined })}
              onQuery={run}
              onRange={setRange}
            />
          )}
          {context && (
            <ContextView
              id={context}
              without={without}
              {...shared}
              onWithout={(names) => patch({ scope: names.join(",") || undefined })}
              onClose={() => patch({ context: undefined, scope: undefined })}
            />
          )}
          {tab === "records" && !context && (
            <>
              {live && <LiveStrip tail={tail} onResume={resume} onPause={() => pause(true)} onStop={toggleLive} />}
              {!live && list.error && <ErrorBox error={list.error} query={q} onRetry={list.retry} onApply={run} />}
              {!live && list.partial && <PartialStrip reason={list.partial} onRetry={refresh} />}
              {!live && list.state === "loading" && <Skeleton rows={24} rowHeight={22} />}
              {empty && <NothingFound signal="logs" query={q} onQuery={run} />}
              {live && rows.length === 0 && <p className={styles.waiting}>Waiting for records that match</p>}
              {rows.length > 0 && (
                <LogTable
                  ref={table}
                  key={live ? "live" : list.key}
                  rows={rows}
                  shift={live && !paused && !away ? 0 : shift}
                  wanted={wanted}
                  withDay={!live && formatDay(range.fromMilli, zone) !== formatDay(range.toMilli, zone)}
                  {...shared}
                  onMarked={setMarked}
                  onFirst={onFirst}
                  onNearEnd={live ? undefined : list.more}
                  onNearStart={live || !list.hasNewer ? undefined : list.newer}
                  end={live ? "older ones are in the search" : <End more={list.hasMore} order={order} />}
                />
              )}
              {find !== null && (
                <FindBar
                  rows={rows}
                  text={find}
                  onText={setFind}
                  onGo={(index) => table.current?.reveal(index)}
                  onClose={() => setFind(null)}
                />
              )}
              {marked.length > 1 && <MarkedBar rows={marked} columns={columns} zone={zone} />}
            </>
          )}
        </div>
        {peeked && (
          <Peeked
            id={peeked}
            zone={zone}
            onClose={() => open(null)}
            onFilter={onFilter}
            onContext={onContext}
            row={rows.find((row) => row.id === peeked)}
          />
        )}
      </div>
    </>
  );
}

interface PeekedProps {
  id: string;
  row: LogRow | undefined;
  zone: string;
  onClose: () => void;
  onFilter: (key: string, value: string, exclude: boolean) => void;
  onContext: (row: LogRow) => void;
}

/** The whole record, as it is asked for when it is opened. */
function Peeked({ id, row, zone, onClose, onFilter, onContext }: PeekedProps) {
  const record = useQuery({
    queryKey: ["log", id],
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await fetchLogContext(id, { before: 1, after: 1 }, signal)).value.record,
  });
  return (
    <LogPeek
      record={record.data ?? null}
      error={record.error}
      zone={zone}
      onClose={onClose}
      onFilter={onFilter}
      {...(row ? { onContext: () => onContext(row) } : {})}
    />
  );
}

function End({ more, order }: { more: boolean; order: "asc" | "desc" }) {
  const { range, setRange } = useTime();
  if (more) return <>loading more</>;
  const length = range.toMilli - range.fromMilli;
  const wider =
    order === "desc"
      ? { fromMilli: range.fromMilli - length, toMilli: range.toMilli }
      : { fromMilli: range.fromMilli, toMilli: range.toMilli + length };
  return (
    <>
      {order === "desc" ? "start of the range" : "end of the range"}{" "}
      <button type="button" className="button small" onClick={() => setRange(wider)}>
        {order === "desc" ? "Begin earlier" : "End later"}
      </button>
    </>
  );
}

function loadedRange(rows: readonly LogRow[]): { fromMilli: number; toMilli: number } | null {
  const first = rows[0]?.milli;
  const last = rows.at(-1)?.milli;
  if (first === undefined || last === undefined) return null;
  return { fromMilli: Math.min(first, last), toMilli: Math.max(first, last) };
}
