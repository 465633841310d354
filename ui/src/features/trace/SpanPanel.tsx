// Everything about one span, in tabs. The span itself is fetched when it is selected, its neighbours before they are.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { LogRecord } from "../../api/logs.ts";
import type { Span } from "../../api/traces.ts";
import { JsonView } from "../../components/JsonView.tsx";
import { PeekPanel } from "../../components/PeekPanel.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { Empty, ErrorBox, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { later } from "../../lib/later.tsx";
import type { Zone } from "../../lib/time/zone.ts";
import { useView } from "../../lib/view.ts";
import type { CriticalPath } from "./critical.ts";
import { SpanEvents, SpanLinks, SpanLogs } from "./SpanLists.tsx";
import { SpanAttributes, SpanOverview } from "./SpanOverview.tsx";
import styles from "./SpanPanel.module.css";
import type { TraceSource } from "./source.ts";
import { ERROR, nameOf, serviceOf, type TraceTree } from "./tree.ts";

// Most spans are read without their charts.
const SpanMetrics = later(async () => (await import("./SpanMetrics.tsx")).SpanMetrics);

export interface SpanPanelProps {
  tree: TraceTree;
  index: number;
  path: CriticalPath;
  colours: ReadonlyMap<string, string>;
  source: TraceSource;
  records: readonly LogRecord[] | null;
  zone: Zone;
  onClose: () => void;
  onSelect: (index: number) => void;
}

const TABS = ["overview", "attributes", "events", "links", "logs", "metrics", "json"] as const;
type TabId = (typeof TABS)[number];

function spanQuery(source: TraceSource, tree: TraceTree, index: number) {
  return {
    queryKey: ["span", source.key, tree.spanIds[index], serviceOf(tree, index)],
    queryFn: ({ signal }: { signal: AbortSignal }): Promise<Span | null> => source.span(index, signal),
    staleTime: Number.POSITIVE_INFINITY,
  };
}

export function SpanPanel({ tree, index, path, colours, source, records, zone, onClose, onSelect }: SpanPanelProps) {
  const { search, patch } = useView();
  const client = useQueryClient();
  const tab: TabId = TABS.find((id) => id === search.tab) ?? "overview";
  const loaded = useQuery({ ...spanQuery(source, tree, index), placeholderData: keepPreviousData });
  const span = loaded.isPlaceholderData ? null : (loaded.data ?? null);
  useEffect(() => {
    if (!span) return;
    for (const near of [index + 1, index - 1]) {
      if (near >= 0 && near < tree.count) void client.prefetchQuery(spanQuery(source, tree, near));
    }
  }, [client, source, tree, index, span]);
  const id = tree.spanIds[index] ?? "";
  const own = records?.filter((log) => log.span_id === id).length ?? 0;
  const service = serviceOf(tree, index);
  const name = nameOf(tree, index);
  const events = (tree.eventFrom[index + 1] ?? 0) - (tree.eventFrom[index] ?? 0);
  return (
    <PeekPanel
      dock="below"
      label={`Span ${name}`}
      onClose={onClose}
      title={
        <>
          <ServiceName name={service} colour={colours.get(service)} />
          <span className={styles.name} title={name}>
            {name}
          </span>
          {tree.status[index] === ERROR && <span className="badge error">error</span>}
        </>
      }
    >
      <Tabs
        label="Span"
        current={tab}
        onChange={(next) => patch({ tab: next === "overview" ? undefined : next }, { replace: true })}
        tabs={[
          { id: "overview", title: "Overview" },
          { id: "attributes", title: "Attributes", ...(span ? { count: span.attributes.length } : {}) },
          { id: "events", title: "Events", count: span?.events.length ?? events },
          { id: "links", title: "Links", ...(span ? { count: span.links.length } : {}) },
          { id: "logs", title: "Logs", count: own },
          ...(source.live ? [{ id: "metrics" as const, title: "Metrics" }] : []),
          { id: "json", title: "Raw JSON" },
        ]}
      />
      {tab === "overview" && (
        <SpanOverview
          tree={tree}
          index={index}
          path={path}
          span={span}
          live={source.live}
          zone={zone}
          onSelect={onSelect}
        />
      )}
      {tab === "logs" && <SpanLogs tree={tree} index={index} records={records} live={source.live} />}
      {loaded.error && <ErrorBox error={loaded.error} onRetry={() => void loaded.refetch()} />}
      {!span &&
        !loaded.error &&
        tab !== "logs" &&
        (loaded.data === null ? <Empty reason="none" title="This span is no longer stored" /> : <Skeleton rows={6} />)}
      {span && tab === "attributes" && <SpanAttributes span={span} live={source.live} />}
      {span && tab === "events" && <SpanEvents tree={tree} span={span} />}
      {span && tab === "links" && <SpanLinks span={span} />}
      {span && tab === "metrics" && source.live && <SpanMetrics span={span} />}
      {span && tab === "json" && <JsonView value={span} />}
    </PeekPanel>
  );
}
