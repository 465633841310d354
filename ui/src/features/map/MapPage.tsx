// The service map: who calls whom, how often, how well; around one service, by namespace, or as a table.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { fetchAnalysis } from "../../api/analyse.ts";
import { fetchServiceMap } from "../../api/service-map.ts";
import { NothingFound } from "../../components/NothingFound.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, LimitBadge } from "../../components/States.tsx";
import { WiderScreen } from "../../components/WiderScreen.tsx";
import { useKeys } from "../../lib/keys.ts";
import { useNarrow } from "../../lib/narrow.ts";
import { plural } from "../../lib/number.ts";
import { usePeek } from "../../lib/peek.ts";
import { useReport } from "../../lib/report.ts";
import type { Range } from "../../lib/time/range.ts";
import { useTime, useView } from "../../lib/view.ts";
import {
  around,
  buildGraph,
  type Graph,
  grouped,
  type MapEdge,
  type MapMetric,
  type MapNode,
  nodeId,
} from "./graph.ts";
import styles from "./Map.module.css";
import { MapGraph } from "./MapGraph.tsx";
import { MapTable } from "./MapTable.tsx";

const METRICS: readonly { id: MapMetric; title: string }[] = [
  { id: "rate", title: "Rate" },
  { id: "errors", title: "Errors" },
  { id: "p95", title: "p95" },
];
/** More nodes are grouped by namespace at first. */
const GROUP_ABOVE = 60;
/** More nodes are a table at first. */
const TABLE_ABOVE = 400;

export function MapPage() {
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const peek = usePeek();
  const [selected, setSelected] = useState<string | null>(null);
  const find = useRef<HTMLInputElement>(null);
  const queryKey = ["service-map", range, ""];
  const map = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchServiceMap(range, "", signal),
    placeholderData: keepPreviousData,
  });
  const whole = useMemo(() => buildGraph(map.data?.value.edges ?? []), [map.data]);
  const namespaces = useNamespaces(range, whole.nodes.length > GROUP_ABOVE);
  const metric = METRICS.find((each) => each.id === search.metric)?.id ?? "rate";
  const hops = Math.min(3, Math.max(1, Number(search.hops ?? 1) || 1));
  const focus = search.focus
    ? (whole.nodes.find((node) => node.name === search.focus)?.id ?? nodeId("service", search.focus))
    : null;
  const expanded = useMemo(() => new Set((search.group ?? "").split(",").filter(Boolean)), [search.group]);
  const graph = useMemo(
    () => visible(whole, focus, hops, namespaces, expanded),
    [whole, focus, hops, namespaces, expanded],
  );
  const table = search.view === "table" || (search.view === undefined && graph.nodes.length > TABLE_ABOVE);
  const narrow = useNarrow();
  const seconds = (range.toMilli - range.fromMilli) / 1000;
  useReport({
    asOfMilli,
    elapsedMs: map.data?.elapsedMs ?? null,
    rowsScanned: map.data?.value.stats?.rows_scanned ?? null,
    partial: map.data?.value.partial?.reason ?? null,
    notes: map.data ? [plural(graph.nodes.length, "node"), plural(graph.edges.length, "edge")] : [],
    busy: map.isFetching,
  });
  const focusOn = (name: string | undefined) =>
    patch({ focus: name, hops: name === undefined ? undefined : search.hops });
  const selectedNode = graph.nodes.find((node) => node.id === selected);
  const open = (node: MapNode) => {
    setSelected(node.id);
    if (node.kind === "group") patch({ group: [...expanded, node.name].join(",") });
    else
      peek.open({ kind: node.kind === "service" ? "svc" : "peer", id: node.kind === "service" ? node.name : node.id });
  };
  const openEdge = (edge: MapEdge) => peek.open({ kind: "edge", id: edge.id });
  useKeys("page", "Map", [
    { keys: "f", label: "Only what is near the chosen node", run: () => selectedNode && focusOn(selectedNode.name) },
    ...[1, 2, 3].map((count) => ({
      keys: String(count),
      label: `${plural(count, "step")} around it`,
      run: () => patch({ hops: count === 1 ? undefined : String(count) }),
    })),
    { keys: "v", label: "Picture or table", run: () => patch({ view: table ? "graph" : "table" }) },
    { keys: "/", label: "Find a node", run: () => find.current?.focus() },
  ]);
  return (
    <>
      <div className={styles.tools}>
        <input
          ref={find}
          className={`input ${styles.find}`}
          placeholder="Find (/)"
          aria-label="Find a node"
          value={search.find ?? ""}
          onChange={(event) => patch({ find: event.target.value || undefined }, { replace: true })}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
            const wanted = event.currentTarget.value.toLowerCase();
            const hit = graph.nodes.find((node) => wanted !== "" && node.name.toLowerCase().includes(wanted));
            if (event.key === "Enter" && hit) setSelected(hit.id);
          }}
        />
        <Choice
          label="Figure on the nodes"
          options={METRICS}
          current={metric}
          onChange={(id) => patch({ metric: id === "rate" ? undefined : id })}
        />
        <Choice
          label="Show as"
          options={[
            { id: "graph", title: "Picture" },
            { id: "table", title: "Table" },
          ]}
          current={table ? "table" : "graph"}
          onChange={(id) => patch({ view: id === "graph" ? undefined : id })}
        />
        {search.focus && (
          <span className={styles.focus}>
            around <strong className="ellipsis">{search.focus}</strong>
            <Choice
              label="Steps around it"
              options={[1, 2, 3].map((count) => ({ id: String(count), title: String(count) }))}
              current={String(hops)}
              onChange={(id) => patch({ hops: id === "1" ? undefined : id })}
            />
            <button
              type="button"
              className="button quiet small icon"
              aria-label="Show the whole map"
              onClick={() => focusOn(undefined)}
            >
              <X size={14} aria-hidden />
            </button>
          </span>
        )}
        <span className="grow" />
        {namespaces !== null && expanded.size > 0 && (
          <button type="button" className="button small" onClick={() => patch({ group: undefined })}>
            Group by namespace again
          </button>
        )}
        {(map.data?.value.unresolved ?? 0) > 0 && (
          <LimitBadge title="Client spans whose other side sent nothing and is not named by an attribute">
            {plural(map.data?.value.unresolved ?? 0, "call")} to unknown
          </LimitBadge>
        )}
        <Legend />
      </div>
      <QueryState
        result={map}
        queryKey={queryKey}
        shape="chart"
        partial={(data) => data.value.partial?.reason ?? null}
        isEmpty={(data) => data.value.edges.length === 0}
        empty={<NothingFound signal="traces" query="" onQuery={() => {}} />}
      >
        {() =>
          graph.nodes.length === 0 ? (
            <Empty reason="filtered" title={`Nothing calls ${search.focus ?? ""} and it calls nothing in this range`}>
              <button type="button" className="button" onClick={() => focusOn(undefined)}>
                Show the whole map
              </button>
            </Empty>
          ) : table ? (
            <MapTable graph={graph} seconds={seconds} onOpenEdge={openEdge} />
          ) : narrow ? (
            <WiderScreen what="The map">
              <button type="button" className="button" onClick={() => patch({ view: "table" })}>
                Show it as a table
              </button>
            </WiderScreen>
          ) : (
            <MapGraph
              graph={graph}
              metric={metric}
              seconds={seconds}
              selected={selected}
              onSelect={setSelected}
              onOpen={open}
              onOpenEdge={openEdge}
              find={search.find ?? ""}
            />
          )
        }
      </QueryState>
    </>
  );
}

function visible(
  whole: Graph,
  focus: string | null,
  hops: number,
  namespaces: ReadonlyMap<string, string> | null,
  expanded: ReadonlySet<string>,
): Graph {
  if (focus !== null) return around(whole, focus, hops);
  return namespaces ? grouped(whole, namespaces, expanded) : whole;
}

/** The namespace of each service; null while it is not needed. */
function useNamespaces(range: Range, needed: boolean): ReadonlyMap<string, string> | null {
  const found = useQuery({
    queryKey: ["namespaces", range],
    enabled: needed,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const q = "has(service.namespace) | stats count() by service, service.namespace";
      const table = (await fetchAnalysis({ signal: "traces", q, range }, signal)).value.table;
      return new Map((table?.rows ?? []).map((row) => [String(row[0]), String(row[1])]));
    },
  });
  return needed ? (found.data ?? null) : null;
}

interface ChoiceProps<Id extends string> {
  label: string;
  options: readonly { id: Id; title: string }[];
  current: Id;
  onChange: (id: Id) => void;
}

function Choice<Id extends string>({ label, options, current, onChange }: ChoiceProps<Id>) {
  return (
    <fieldset className={styles.choice} aria-label={label}>
      {options.map((option) => (
        <button key={option.id} type="button" aria-pressed={option.id === current} onClick={() => onChange(option.id)}>
          {option.title}
        </button>
      ))}
    </fieldset>
  );
}

function Legend() {
  return (
    <ul className={styles.legend} aria-label="Colours of the edges">
      <li data-health="ok">below 1 % errors</li>
      <li data-health="warn">1 % and more</li>
      <li data-health="bad">5 % and more</li>
    </ul>
  );
}
