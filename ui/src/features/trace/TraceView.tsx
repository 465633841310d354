// The loaded trace and everything that can be done with it. What is shown (span, view, find, filter) is in the URL; what
// is collapsed and zoomed lives as long as the page.
import { Link, useNavigate } from "@tanstack/react-router";
import { Download, GitCompareArrows } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { apiUrl } from "../../api/client.ts";
import type { LogRecord } from "../../api/logs.ts";
import { Tabs } from "../../components/Tabs.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { levelColour, serviceColour } from "../../lib/colour.ts";
import { useKeys } from "../../lib/keys.ts";
import { createPreference, useStore } from "../../lib/store.ts";
import { nanosBetween, parseNanos } from "../../lib/time/nanos.ts";
import { useTime, useView } from "../../lib/view.ts";
import type { TraceLog } from "./bars.ts";
import { COLOUR_BY, type ColourBy, colouring } from "./colours.ts";
import { type CriticalPath, criticalPath, isCritical } from "./critical.ts";
import { FlameView } from "./FlameView.tsx";
import { findRuns } from "./groups.ts";
import { JsonTrace } from "./JsonTrace.tsx";
import { LogsView } from "./LogsView.tsx";
import { MapView } from "./MapView.tsx";
import { Minimap } from "./Minimap.tsx";
import { Problems } from "./Problems.tsx";
import { buildRows, LOG_ROW, RUN_ROW, rowOfSpan } from "./rows.ts";
import { SpanPanel } from "./SpanPanel.tsx";
import { StatsView } from "./StatsView.tsx";
import { applyShifts, findShifts } from "./skew.ts";
import type { TraceSource } from "./source.ts";
import { startMilli } from "./source.ts";
import { type LogMode, Toolbar } from "./Toolbar.tsx";
import { TraceHeader } from "./TraceHeader.tsx";
import styles from "./TraceView.module.css";
import { ancestors, durationOf, ERROR, indexOfSpan, type TraceTree } from "./tree.ts";
import { useMatches } from "./useMatches.ts";
import { useIndexSet } from "./useOpen.ts";
import { useRank } from "./useRank.ts";
import { Waterfall } from "./Waterfall.tsx";
import { clampWindow, panBy, type Window, wholeTrace, zoomAt } from "./window.ts";

const VIEWS = ["waterfall", "flame", "stats", "map", "logs", "json"] as const;
type ViewId = (typeof VIEWS)[number];
const TITLES: Record<ViewId, string> = {
  waterfall: "Waterfall",
  flame: "Flame graph",
  stats: "Statistics",
  map: "Map",
  logs: "Logs",
  json: "JSON",
};

const colourPreference = createPreference<ColourBy>("trace-colour", COLOUR_BY, "service");
const logPreference = createPreference<LogMode>("trace-logs", ["off", "ticks", "rows"], "ticks");
const criticalPreference = createPreference<"on" | "off">("trace-critical", ["on", "off"], "on");

export interface TraceViewProps {
  /** As it was sent. */
  sent: TraceTree;
  sentPath: CriticalPath;
  source: TraceSource;
  /** Null while they are loading. */
  records: LogRecord[] | null;
  /** More spans may come. */
  arriving: boolean;
}

export function TraceView({ sent, sentPath, source, records, arriving }: TraceViewProps) {
  const { search, patch } = useView();
  const { zone } = useTime();
  const navigate = useNavigate();
  const shifts = useMemo(() => findShifts(sent), [sent]);
  const [shifted, setShifted] = useState(false);
  const tree = useMemo(() => (shifted ? applyShifts(sent, shifts) : sent), [sent, shifts, shifted]);
  const path = useMemo(() => (tree === sent ? sentPath : criticalPath(tree)), [tree, sent, sentPath]);
  const collapsed = useIndexSet(tree);
  const opened = useIndexSet(tree);
  // Null is the whole trace, also when it grows while spans arrive.
  const [zoomed, setZoomed] = useState<Window | null>(null);
  const window = useMemo(() => zoomed ?? wholeTrace(tree.duration), [zoomed, tree.duration]);
  const setWindow = useCallback(
    (next: Window) => setZoomed(next.start <= 0 && next.end >= tree.duration ? null : next),
    [tree.duration],
  );
  const colourBy = useStore(colourPreference);
  const logMode = useStore(logPreference);
  const showCritical = useStore(criticalPreference) === "on";
  const findInput = useRef<HTMLInputElement>(null);
  const filterInput = useRef<HTMLInputElement>(null);

  const colourOf = useMemo(() => colouring(tree, colourBy), [tree, colourBy]);
  const colours = useMemo(() => new Map(tree.services.map((name) => [name, serviceColour(name)])), [tree]);
  const find = search.find ?? "";
  const filter = search.only ?? "";
  const found = useMatches(find, tree, path, source);
  const kept = useMatches(filter, tree, path, source);
  const marks = useMemo(() => markLogs(records ?? [], tree), [records, tree]);
  const logsOf = useMemo(() => groupBySpan(marks), [marks]);
  const runs = useMemo(() => findRuns(tree), [tree]);
  const rows = useMemo(
    () =>
      buildRows(tree, {
        collapsed: collapsed.has,
        only: kept.flags,
        // What is looked for must not hide in a run.
        runs: kept.flags ? null : runs,
        opened: opened.has,
        logs: logMode === "rows" && !kept.flags ? marks : null,
      }),
    [tree, collapsed.has, kept.flags, runs, opened.has, logMode, marks],
  );
  const selected = useMemo(() => indexOfSpan(tree, search.span), [tree, search.span]);
  const current = useMemo(() => {
    const row = selected < 0 ? -1 : rowOfSpan(rows, tree, selected);
    // A span that the filter hides has no row; the one above it does not stand for it.
    return kept.flags && rows.ref[row] !== selected ? -1 : row;
  }, [rows, tree, selected, kept.flags]);
  const rank = useRank(sent, 0, source.live);

  const select = useCallback(
    (index: number | null, replace = false) => {
      const span = index === null ? undefined : tree.spanIds[index];
      patch({ span, ...(span ? {} : { tab: undefined }) }, { replace });
    },
    [tree, patch],
  );
  const onSelect = useCallback((index: number) => select(index), [select]);
  const onLog = useCallback((log: LogRecord) => patch({ span: log.span_id || undefined, tab: "logs" }), [patch]);
  const zoomTo = useCallback(
    (index: number) => {
      const margin = Math.max(0.5, durationOf(tree, index) * 0.05);
      const next = { start: (tree.start[index] ?? 0) - margin, end: (tree.end[index] ?? 0) + margin };
      setWindow(clampWindow(next, tree.duration));
    },
    [tree, setWindow],
  );
  /** Opens what hides a span. */
  const reveal = (index: number) => {
    const above = ancestors(tree, index);
    collapsed.drop(above);
    const firsts = [...runs.values()].filter((run) => index >= run.first && index < run.end).map((run) => run.first);
    const closed = firsts.filter((first) => !opened.has.has(first));
    if (closed.length > 0) opened.set([...opened.has, ...closed]);
  };
  const goTo = (index: number) => {
    reveal(index);
    select(index, true);
  };
  /** Selects the next span after the selected one for which `test` holds, around the end. */
  const jump = (test: (index: number) => boolean, step: 1 | -1) => {
    for (let distance = 1; distance <= tree.count; distance++) {
      const from = selected < 0 && step < 0 ? 0 : selected;
      const at = (((from + step * distance) % tree.count) + tree.count) % tree.count;
      if (test(at)) {
        goTo(at);
        return;
      }
    }
  };
  const jumpFound = (step: 1 | -1) => jump((at) => found.flags?.[at] === 1, step);
  const move = (step: number) => {
    let row = Math.min(rows.length - 1, Math.max(0, current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step));
    // Rows of logs and of closed runs have no span of their own; the cursor passes over logs.
    while (rows.kind[row] === LOG_ROW && row + step >= 0 && row + step < rows.length) row += step;
    if (rows.kind[row] === RUN_ROW && rows.ref[row] === selected)
      row = Math.min(rows.length - 1, Math.max(0, row + step));
    const at = rows.ref[row];
    if (at !== undefined && rows.kind[row] !== LOG_ROW) select(at, true);
  };
  const setExpanded = (open: boolean, subtree: boolean) => {
    if (selected < 0) return;
    const last = selected + (tree.below[selected] ?? 0);
    if (subtree) {
      const inside = (at: number) => at >= selected && at <= last;
      const others = [...collapsed.has].filter((at) => !inside(at));
      const parents = Array.from({ length: last - selected + 1 }, (_, at) => selected + at).filter(
        (at) => (tree.below[at] ?? 0) > 0,
      );
      collapsed.set(open ? others : [...others, ...parents]);
      return;
    }
    const isOpen = !collapsed.has.has(selected);
    if (rows.kind[current] === RUN_ROW && opened.has.has(selected) !== open) opened.toggle(selected);
    else if (last > selected && isOpen !== open) collapsed.toggle(selected);
    else if (!open && (tree.parent[selected] ?? -1) >= 0) select(tree.parent[selected] ?? null, true);
    else if (open && last > selected) select(selected + 1, true);
  };
  /** Collapses every span at this depth, so that one level more or less is seen. */
  const showLevels = (depth: number) => {
    const at: number[] = [];
    for (let i = 0; i < tree.count; i++) if (tree.depth[i] === depth && (tree.below[i] ?? 0) > 0) at.push(i);
    collapsed.set(at);
  };
  const level = () => {
    let least = tree.maxDepth;
    for (const at of collapsed.has) least = Math.min(least, tree.depth[at] ?? 0);
    return least;
  };
  const collapseAll = () => {
    const at: number[] = [];
    for (let i = 0; i < tree.count; i++) if ((tree.depth[i] ?? 0) > 0 && (tree.below[i] ?? 0) > 0) at.push(i);
    collapsed.set(at);
  };
  const expandAll = () => {
    collapsed.set([]);
    opened.set([]);
  };
  const view: ViewId = VIEWS.find((id) => id === search.view) ?? "waterfall";
  const setView = (next: ViewId) => patch({ view: next === "waterfall" ? undefined : next });
  const compare = () =>
    void navigate({
      to: "/traces/compare",
      search: { a: tree.traceId, b: "typical", ...aroundSearch(startMilli(tree)) },
    });
  const centre = (window.start + window.end) / 2;
  useKeys("page", "Trace", [
    { keys: "j", label: "Next span", run: () => move(1) },
    { keys: "k", label: "Previous span", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next span", run: () => move(1) },
    { keys: "ArrowUp", label: "Previous span", run: () => move(-1) },
    { keys: "ArrowRight", label: "Expand, or first child", run: () => setExpanded(true, false) },
    { keys: "ArrowLeft", label: "Collapse, or parent", run: () => setExpanded(false, false) },
    { keys: "shift+ArrowRight", label: "Expand the whole subtree", run: () => setExpanded(true, true) },
    { keys: "shift+ArrowLeft", label: "Collapse the whole subtree", run: () => setExpanded(false, true) },
    { keys: "o", label: "One level in", run: () => showLevels(Math.min(tree.maxDepth, level() + 1)) },
    { keys: "shift+o", label: "One level out", run: () => showLevels(Math.max(0, level() - 1)) },
    { keys: "[", label: "Expand all", run: expandAll },
    { keys: "]", label: "Collapse all", run: collapseAll },
    { keys: "/", label: "Find in the trace", run: () => findInput.current?.focus() },
    { keys: "v", label: "Show only spans that match", run: () => filterInput.current?.focus() },
    { keys: "n", label: "Next match", run: () => jumpFound(1) },
    { keys: "shift+n", label: "Previous match", run: () => jumpFound(-1) },
    { keys: "e", label: "Next error", run: () => jump((at) => tree.status[at] === ERROR, 1) },
    { keys: "c", label: "Next span on the critical path", run: () => jump((at) => isCritical(path, at), 1) },
    {
      keys: "shift+c",
      label: "Only the critical path",
      run: () => patch({ only: filter === "critical:true" ? undefined : "critical:true" }),
    },
    { keys: "z", label: "Zoom to the span", run: () => selected >= 0 && zoomTo(selected) },
    { keys: "shift+z", label: "Show the whole trace", run: () => setWindow(wholeTrace(tree.duration)) },
    { keys: "+", label: "Zoom in", run: () => setWindow(zoomAt(window, centre, 0.7, tree.duration)) },
    { keys: "-", label: "Zoom out", run: () => setWindow(zoomAt(window, centre, 1.4, tree.duration)) },
    { keys: "a", label: "Pan left", run: () => setWindow(panBy(window, -0.2, tree.duration)) },
    { keys: "d", label: "Pan right", run: () => setWindow(panBy(window, 0.2, tree.duration)) },
    {
      keys: "l",
      label: "Logs: off, ticks, rows",
      run: () => logPreference.set(logMode === "off" ? "ticks" : logMode === "ticks" ? "rows" : "off"),
    },
    { keys: "m", label: "Compare with a typical trace", run: compare },
    ...VIEWS.map((id, at) => ({ keys: String(at + 1), label: TITLES[id], run: () => setView(id) })),
  ]);
  const onFind = useCallback((text: string) => patch({ find: text || undefined }, { replace: true }), [patch]);
  const onFilter = useCallback((text: string) => patch({ only: text || undefined }, { replace: true }), [patch]);
  return (
    <div className={styles.page}>
      <div className={styles.main}>
        <TraceHeader
          tree={tree}
          colourOf={colourOf}
          zone={zone}
          logCount={records?.length ?? null}
          arriving={arriving}
          rank={rank}
          actions={
            source.live && (
              <>
                <Link
                  to="/traces/compare"
                  search={{ a: tree.traceId, b: "typical" }}
                  className="button small"
                  title="Compare with a typical trace (m)"
                >
                  <GitCompareArrows size={13} aria-hidden /> Compare
                </Link>
                <a
                  className="button quiet small icon"
                  href={apiUrl(`api/v1/traces/${tree.traceId}`)}
                  download={`trace-${tree.traceId}.json`}
                  aria-label="Download as JSON"
                  title="Download as JSON"
                >
                  <Download size={14} aria-hidden />
                </a>
              </>
            )
          }
        />
        <Problems
          tree={sent}
          shifts={shifts}
          shifted={shifted}
          onShift={setShifted}
          onOrphan={() => jump((at) => tree.parent[at] === -2, 1)}
        />
        <Minimap
          tree={tree}
          colourOf={colourOf}
          logs={logMode === "off" ? NO_LOGS : marks}
          window={window}
          onWindow={setWindow}
        />
        <Tabs
          label="View"
          current={view}
          onChange={setView}
          tabs={VIEWS.map((id) => ({
            id,
            title: TITLES[id],
            ...(id === "logs" && records ? { count: records.length } : {}),
          }))}
        />
        {(view === "waterfall" || view === "flame") && (
          <Toolbar
            find={find}
            found={found}
            onFind={onFind}
            onJump={jumpFound}
            findRef={findInput}
            filter={filter}
            kept={kept}
            onFilter={onFilter}
            filterRef={filterInput}
            colourBy={colourBy}
            onColourBy={colourPreference.set}
            critical={showCritical}
            onCritical={(on) => criticalPreference.set(on ? "on" : "off")}
            logs={logMode}
            onLogs={logPreference.set}
            onExpandAll={expandAll}
            onCollapseAll={collapseAll}
            onWhole={() => setWindow(wholeTrace(tree.duration))}
          />
        )}
        {view === "waterfall" && (
          <Waterfall
            tree={tree}
            rows={rows}
            runs={kept.flags ? null : runs}
            opened={opened.has}
            colourOf={colourOf}
            path={showCritical ? path : null}
            logs={marks}
            records={records ?? []}
            logsOf={logMode === "ticks" ? logsOf : null}
            hits={found.flags}
            collapsed={collapsed.has}
            current={current}
            window={window}
            onWindow={setWindow}
            onSelect={onSelect}
            onToggle={collapsed.toggle}
            onToggleRun={opened.toggle}
            onZoom={zoomTo}
            onLog={onLog}
          />
        )}
        {view === "flame" && (
          <FlameView
            tree={tree}
            colourOf={colourOf}
            hits={found.flags ?? kept.flags}
            selected={selected}
            window={window}
            onWindow={setWindow}
            onSelect={onSelect}
          />
        )}
        {view === "stats" && <StatsView tree={tree} path={path} colours={colours} onSelect={onSelect} />}
        {view === "map" && <MapView tree={tree} colours={colours} />}
        {view === "logs" && <LogsView tree={tree} records={records} marks={marks} onSelect={onSelect} />}
        {view === "json" && <JsonTrace tree={tree} source={source} />}
      </div>
      {selected >= 0 && (
        <SpanPanel
          tree={tree}
          index={selected}
          path={path}
          colours={colours}
          source={source}
          records={records}
          zone={zone}
          onClose={() => select(null)}
          onSelect={onSelect}
        />
      )}
    </div>
  );
}

const NO_LOGS: readonly TraceLog[] = [];
const SEVERE = new Set(["WARN", "ERROR", "FATAL"]);

/** Where on the axis each record stands, and at which span. */
function markLogs(records: readonly LogRecord[], tree: TraceTree): TraceLog[] {
  if (records.length === 0) return [];
  const places = new Map(tree.spanIds.map((id, index) => [id, index]));
  return records.map((record) => ({
    at: nanosBetween(tree.startNanos, parseNanos(record.time_unix_nano)),
    span: places.get(record.span_id) ?? -1,
    colour: /var\((.*)\)/.exec(levelColour(record.level))?.[1] ?? "--muted",
    severe: SEVERE.has(record.level),
  }));
}

function groupBySpan(marks: readonly TraceLog[]): Map<number, number[]> {
  const out = new Map<number, number[]>();
  marks.forEach(({ span }, index) => {
    if (span < 0) return;
    const known = out.get(span);
    if (known) known.push(index);
    else out.set(span, [index]);
  });
  return out;
}
