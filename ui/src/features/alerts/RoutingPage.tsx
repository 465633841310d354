// The tree of routes: which alerts go to whom, in which groups and how often; and a tester that says which way an alert
// with some labels takes.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { fetchRoutes, matchRoutes, type Route } from "../../api/channels.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { useReport } from "../../lib/report.ts";
import { useView } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { useDebounced } from "./Backtest.tsx";
import { useConfig } from "./ChannelsPage.tsx";
import { ConfigNote } from "./ConfigNote.tsx";
import { LabelList } from "./LabelList.tsx";
import { parseLabels } from "./labels.ts";
import tree from "./RoutingPage.module.css";

const EXAMPLE = 'alertname="HighErrorRate", severity="critical", service="api"';
const DEBOUNCE_MS = 250;

export function RoutingPage() {
  const { search, patch } = useView();
  const config = useConfig();
  const routes = useQuery({ queryKey: ["routes"], queryFn: ({ signal }) => fetchRoutes(signal) });
  const [text, setText] = useState(search.q ?? "");
  const settled = useDebounced(text, DEBOUNCE_MS);
  useEffect(() => {
    if (settled !== (search.q ?? "")) patch({ q: settled || undefined }, { replace: true });
  }, [settled, search.q, patch]);
  const labels = useMemo(() => parseLabels(settled), [settled]);
  const matched = useQuery({
    queryKey: ["route-match", labels],
    queryFn: () => matchRoutes(labels ?? {}),
    enabled: labels !== null && Object.keys(labels).length > 0,
    retry: false,
  });
  const taken = useMemo(
    () => new Set(settled.trim() === "" ? [] : (matched.data ?? []).map((route) => route.key)),
    [matched.data, settled],
  );
  useReport({
    asOfMilli: routes.dataUpdatedAt || null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: [],
    busy: routes.isFetching,
  });
  return (
    <>
      <AlertsNav />
      <ConfigNote config={config.data ?? null} />
      <div className={styles.page}>
        <section className={styles.section} aria-label="Which way an alert takes">
          <header>
            <h2>Which way does an alert take?</h2>
          </header>
          <div className={styles.body}>
            <label className={styles.field}>
              Its labels: paste them as they stand in an alert, in JSON or in YAML
              <textarea
                className={`${styles.area} mono`}
                rows={2}
                value={text}
                placeholder={EXAMPLE}
                spellCheck={false}
                onChange={(event) => setText(event.target.value)}
              />
            </label>
            {labels === null && settled.trim() !== "" && (
              <p className={styles.problem}>Not understood: write name="value", separated by commas.</p>
            )}
            {settled.trim() === "" && (
              <button type="button" className="button small" onClick={() => setText(EXAMPLE)}>
                Try an example
              </button>
            )}
            {matched.error && <ErrorBox error={matched.error} />}
            {taken.size > 0 && (
              <ul className={tree.answers} aria-live="polite">
                {(matched.data ?? []).map((route, at) => (
                  <li key={`${at} ${route.key}`}>
                    <p>
                      goes to{" "}
                      <Link to="/alerts/channels/$id" params={{ id: route.receiver }}>
                        {route.receiver}
                      </Link>
                      : first after <strong>{route.group_wait}</strong>, what is new in the group after{" "}
                      <strong>{route.group_interval}</strong>, again every <strong>{route.repeat_interval}</strong>
                    </p>
                    <p className="muted">
                      in the group <LabelList labels={Object.entries(route.group_labels)} max={20} />
                      {Object.keys(route.group_labels).length === 0 && "of everything"}
                    </p>
                  </li>
                ))}
              </ul>
            )}
          </div>
        </section>
        <section className={styles.section} aria-label="Routes">
          <header>
            <h2>Routes</h2>
            <span className="faint">the first that fits is taken, from the top; those that say “continue” go on</span>
          </header>
          <QueryState result={routes} queryKey={["routes"]} rows={5}>
            {(root) => (
              <ul className={tree.tree}>
                <RouteNode route={root} parent={null} taken={taken} focus={search.focus ?? null} />
              </ul>
            )}
          </QueryState>
        </section>
      </div>
    </>
  );
}

interface NodeProps {
  route: Route;
  parent: Route | null;
  taken: ReadonlySet<string>;
  focus: string | null;
}

/** Timers that a route has from the one above it are not repeated. */
function RouteNode({ route, parent, taken, focus }: NodeProps) {
  const item = useRef<HTMLLIElement>(null);
  const focused = focus === route.key;
  useEffect(() => {
    if (focused) item.current?.scrollIntoView({ block: "center" });
  }, [focused]);
  const own = (name: "group_wait" | "group_interval" | "repeat_interval") =>
    parent === null || parent[name] !== route[name];
  const groups = parent === null || parent.group_by.join() !== route.group_by.join();
  return (
    <li ref={item}>
      <div className={tree.node} data-taken={taken.has(route.key)} data-focused={focused}>
        <p>
          {route.matchers.length > 0 ? (
            <code>{route.matchers.join(", ")}</code>
          ) : (
            <strong>{parent === null ? "Everything else" : "Everything"}</strong>
          )}{" "}
          <span className="muted">to</span>{" "}
          <Link to="/alerts/channels/$id" params={{ id: route.receiver }}>
            {route.receiver}
          </Link>{" "}
          {route.continue && <span className="badge">continue</span>}{" "}
          {taken.has(route.key) && <span className="badge ok">this way</span>}
        </p>
        <p className={tree.timers}>
          {groups && (
            <span>
              grouped by <code>{route.group_by.length > 0 ? route.group_by.join(", ") : "nothing"}</code>
            </span>
          )}
          {own("group_wait") && <span>waits {route.group_wait}</span>}
          {own("group_interval") && <span>what is new after {route.group_interval}</span>}
          {own("repeat_interval") && <span>again every {route.repeat_interval}</span>}
          {route.mute_time_intervals.length > 0 && <span>muted in {route.mute_time_intervals.join(", ")}</span>}
          {route.active_time_intervals.length > 0 && <span>only in {route.active_time_intervals.join(", ")}</span>}
          {route.line > 0 && <span className="faint">line {route.line}</span>}
        </p>
      </div>
      {route.routes.length > 0 && (
        <ul>
          {route.routes.map((child, at) => (
            <RouteNode key={`${at} ${child.key}`} route={child} parent={route} taken={taken} focus={focus} />
          ))}
        </ul>
      )}
    </li>
  );
}
