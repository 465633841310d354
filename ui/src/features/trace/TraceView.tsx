// The loaded trace and everything that can be done with it. What is shown (span, view, find) is in the URL; what is
// collapsed and zoomed lives as long as the page.
import { ChevronsDownUp, ChevronsUpDown, Logs, Route, ScanSearch, Search } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import type { LogRecord } from "../../api/logs.ts";
import type { Trace } from "../../api/traces.ts";
import { Tabs } from "../../components/Tabs.tsx";
import { serviceColour } from "../../lib/colour.ts";
import { useKeys } from "../../lib/keys.ts";
import { useTime, useView } from "../../lib/view.ts";
import { Minimap } from "./Minimap.tsx";
import { criticalPath, findNodes, type Tree, visibleRows } from "./model.ts";
import { SpanPanel } from "./SpanPanel.tsx";
import { StatsView } from "./StatsView.tsx";
import { TraceHeader } from "./TraceHeader.tsx";
import styles from "./TraceView.module.css";
import { Waterfall } from "./Waterfall.tsx";
import { clampWindow, panBy, type Window, wholeTrace, zoomAt } from "./window.ts";

type Only = "all" | "errors" | "critical" | "found";

export interface TraceViewProps {
  trace: Trace;
  tree: Tree;
  /** Null while they are loading. */
  logs: LogRecord[] | null;
  /** More spans may come. */
  arriving: boolean;
}

export function TraceView({ trace, tree, logs, arriving }: TraceViewProps) {
  const { search, patch } = useView();
  const { zone } = useTime();
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  // Null is the whole trace, also when it grows while spans arrive.
  const [zoomed, setZoomed] = useState<Window | null>(null);
  const window = useMemo(() => zoomed ?? wholeTrace(tree.duration), [zoomed, tree.duration]);
  const setWindow = useCallback(
    (next: Window) => setZoomed(next.start <= 0 && next.end >= tree.duration ? null : next),
    [tree.duration],
  );
  const [only, setOnly] = useState<Only>("all");
  const [showCritical, setShowCritical] = useState(true);
  const [showLogs, setShowLogs] = useState(true);
  const findInput = useRef<HTMLInputElement>(null);

  const colours = useMemo(() => new Map(tree.services.map((name) => [name, serviceColour(name)])), [tree]);
  const critical = useMemo(() => criticalPath(tree), [tree]);
  const find = search.find ?? "";
  const hits = useMemo(() => findNodes(tree, find), [tree, find]);
  const hitSet = useMemo(() => new Set(hits), [hits]);
  const logsBySpan = useMemo(() => groupBySpan(logs ?? []), [logs]);
  const errors = useMemo(() => tree.nodes.filter((node) => node.isError).map((node) => node.index), [tree]);
  const rows = useMemo(() => {
    const kept: Record<Only, ReadonlySet<number> | null> = {
      all: null,
      errors: new Set(errors),
      critical: new Set(critical.keys()),
      found: hitSet,
    };
    return visibleRows(tree, { collapsed, only: kept[only] });
  }, [tree, collapsed, only, errors, critical, hitSet]);
  const selected = search.span ? (tree.bySpanId.get(search.span) ?? null) : null;
  const node = selected === null ? undefined : tree.nodes[selected];

  const select = useCallback(
    (index: number | null, replace = false) => {
      const span = index === null ? undefined : tree.nodes[index]?.span.span_id;
      patch({ span, ...(span ? {} : { tab: undefined }) }, { replace });
    },
    [tree, patch],
  );
  const toggle = useCallback(
    (index: number) => {
      const id = tree.nodes[index]?.span.span_id;
      if (!id) return;
      setCollapsed((old) => {
        const next = new Set(old);
        if (!next.delete(id)) next.add(id);
        return next;
      });
    },
    [tree],
  );
  const collapseAll = () =>
    setCollapsed(
      new Set(tree.nodes.filter((each) => each.depth > 0 && each.children.length > 0).map((each) => each.span.span_id)),
    );
  /** Selects the next of `targets` after the selected span, opening what hides it. */
  const jump = (targets: readonly number[], step: 1 | -1) => {
    if (targets.length === 0) return;
    const from = selected ?? -1;
    const next =
      step > 0
        ? (targets.find((at) => at > from) ?? targets[0])
        : (targets.findLast((at) => at < from) ?? targets.at(-1));
    if (next === undefined) return;
    setCollapsed((old) => {
      const open = new Set(old);
      for (let at = tree.nodes[next]?.parent ?? -1; at >= 0; at = tree.nodes[at]?.parent ?? -1) {
        open.delete(tree.nodes[at]?.span.span_id ?? "");
      }
      return open;
    });
    select(next, true);
  };
  const move = (step: number) => {
    const at = selected === null ? -1 : rows.indexOf(selected);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    if (next !== undefined) select(next, true);
  };
  const setExpanded = (open: boolean) => {
    if (!node) return;
    const isOpen = !collapsed.has(node.span.span_id);
    if (node.children.length > 0 && isOpen !== open) toggle(node.index);
    else if (!open && node.parent >= 0) select(node.parent, true);
    else if (open && node.children[0] !== undefined) select(node.children[0], true);
  };
  const zoomToSpan = () =>
    node &&
    setWindow(
      clampWindow(
        { start: node.start - (node.end - node.start) * 0.05, end: node.end + (node.end - node.start) * 0.05 },
        tree.duration,
      ),
    );
  const centre = (window.start + window.end) / 2;
  useKeys("page", "Trace", [
    { keys: "j", label: "Next span", run: () => move(1) },
    { keys: "k", label: "Previous span", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next span", run: () => move(1) },
    { keys: "ArrowUp", label: "Previous span", run: () => move(-1) },
    { keys: "ArrowRight", label: "Expand, or first child", run: () => setExpanded(true) },
    { keys: "ArrowLeft", label: "Collapse, or parent", run: () => setExpanded(false) },
    { keys: "[", label: "Expand all", run: () => setCollapsed(new Set()) },
    { keys: "]", label: "Collapse all", run: collapseAll },
    { keys: "/", label: "Find in the trace", run: () => findInput.current?.focus() },
    { keys: "n", label: "Next match", run: () => jump(hits, 1) },
    { keys: "shift+n", label: "Previous match", run: () => jump(hits, -1) },
    { keys: "e", label: "Next error", run: () => jump(errors, 1) },
    {
      keys: "c",
      label: "Next span on the critical path",
      run: () =>
        jump(
          [...critical.keys()].sort((a, b) => a - b),
          1,
        ),
    },
    { keys: "shift+c", label: "Only the critical path", run: () => setOnly(only === "critical" ? "all" : "critical") },
    { keys: "z", label: "Zoom to the span", run: zoomToSpan },
    { keys: "shift+z", label: "Show the whole trace", run: () => setWindow(wholeTrace(tree.duration)) },
    { keys: "+", label: "Zoom in", run: () => setWindow(zoomAt(window, centre, 0.7, tree.duration)) },
    { keys: "-", label: "Zoom out", run: () => setWindow(zoomAt(window, centre, 1.4, tree.duration)) },
    { keys: "a", label: "Pan left", run: () => setWindow(panBy(window, -0.2, tree.duration)) },
    { keys: "d", label: "Pan right", run: () => setWindow(panBy(window, 0.2, tree.duration)) },
    { keys: "l", label: "Log ticks", run: () => setShowLogs(!showLogs) },
  ]);

  const view = search.view === "stats" ? "stats" : "waterfall";
  return (
    <div className={styles.page}>
      <div className={styles.main}>
        <TraceHeader
          traceId={trace.trace_id}
          tree={tree}
          colours={colours}
          zone={zone}
          logCount={logs?.length ?? null}
          arriving={arriving}
        />
        <Minimap
          tree={tree}
          colours={colours}
          logs={showLogs ? (logs ?? []) : []}
          window={window}
          onWindow={setWindow}
        />
        <Tabs
          label="View"
          current={view}
          onChange={(next) => patch({ view: next === "stats" ? "stats" : undefined })}
          tabs={[
            { id: "waterfall", title: "Waterfall" },
            { id: "stats", title: "Statistics" },
          ]}
        >
          {view === "waterfall" && (
            <div className={styles.tools} role="toolbar" aria-label="Waterfall">
              <span className={styles.find}>
                <Search size={13} aria-hidden />
                <input
                  ref={findInput}
                  value={find}
                  placeholder="Find (/)"
                  aria-label="Find in the trace"
                  onChange={(event) => patch({ find: event.target.value || undefined }, { replace: true })}
                  onKeyDown={(event) => {
                    if (event.key === "Enter") jump(hits, event.shiftKey ? -1 : 1);
                    if (event.key === "Escape") event.currentTarget.blur();
                  }}
                />
                {find !== "" && <span className="faint">{hits.length}</span>}
              </span>
              <select
                className="input"
                aria-label="Spans shown"
                value={only}
                onChange={(event) => setOnly(event.target.value as Only)}
              >
                <option value="all">All spans</option>
                <option value="errors" disabled={errors.length === 0}>
                  Errors only
                </option>
                <option value="critical">Critical path only</option>
                <option value="found" disabled={hits.length === 0}>
                  Matches only
                </option>
              </select>
              <button
                type="button"
                className="button small"
                aria-pressed={showCritical}
                title="Mark the critical path"
                onClick={() => setShowCritical(!showCritical)}
              >
                <Route size={13} aria-hidden /> Critical
              </button>
              <button
                type="button"
                className="button small"
                aria-pressed={showLogs}
                title="Log ticks (l)"
                onClick={() => setShowLogs(!showLogs)}
              >
                <Logs size={13} aria-hidden /> Logs
              </button>
              <button
                type="button"
                className="button small icon"
                aria-label="Expand all"
                title="Expand all ([)"
                onClick={() => setCollapsed(new Set())}
              >
                <ChevronsUpDown size={13} aria-hidden />
              </button>
              <button
                type="button"
                className="button small icon"
                aria-label="Collapse all"
                title="Collapse all (])"
                onClick={collapseAll}
              >
                <ChevronsDownUp size={13} aria-hidden />
              </button>
              <button
                type="button"
                className="button small icon"
                aria-label="Show the whole trace"
                title="Show the whole trace (Shift+Z)"
                onClick={() => setWindow(wholeTrace(tree.duration))}
              >
                <ScanSearch size={13} aria-hidden />
              </button>
            </div>
          )}
        </Tabs>
        {view === "waterfall" ? (
          <Waterfall
            tree={tree}
            rows={rows}
            colours={colours}
            critical={showCritical ? critical : null}
            logsBySpan={showLogs ? logsBySpan : null}
            hits={hitSet}
            collapsed={collapsed}
            selected={selected}
            window={window}
            onWindow={setWindow}
            onSelect={select}
            onToggle={toggle}
          />
        ) : (
          <StatsView tree={tree} critical={critical} colours={colours} />
        )}
      </div>
      {node && (
        <SpanPanel
          key={node.span.span_id}
          tree={tree}
          node={node}
          critical={critical.get(node.index) ?? null}
          colours={colours}
          logs={logs}
          zone={zone}
          onClose={() => select(null)}
        />
      )}
    </div>
  );
}

function groupBySpan(logs: readonly LogRecord[]): Map<string, LogRecord[]> {
  const out = new Map<string, LogRecord[]>();
  for (const log of logs) {
    const known = out.get(log.span_id);
    if (known) known.push(log);
    else if (log.span_id) out.set(log.span_id, [log]);
  }
  return out;
}
