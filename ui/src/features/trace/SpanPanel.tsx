// Everything about one span, in tabs.
import { Link } from "@tanstack/react-router";
import { ListFilter } from "lucide-react";
import type { LogRecord } from "../../api/logs.ts";
import type { KeyValue } from "../../api/otlp.ts";
import { Attributes } from "../../components/Attributes.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { PeekPanel } from "../../components/PeekPanel.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { term } from "../../lib/filter.ts";
import { formatPercent } from "../../lib/number.ts";
import { formatDuration, formatNanos } from "../../lib/time/format.ts";
import { parseNanos } from "../../lib/time/nanos.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { useView } from "../../lib/view.ts";
import type { Node, Segment, Tree } from "./model.ts";
import { SpanEvents, SpanLinks, SpanLogs } from "./SpanLists.tsx";
import styles from "./SpanPanel.module.css";

export interface SpanPanelProps {
  tree: Tree;
  node: Node;
  critical: readonly Segment[] | null;
  colours: ReadonlyMap<string, string>;
  logs: readonly LogRecord[] | null;
  zone: Zone;
  onClose: () => void;
}

const TABS = ["overview", "attributes", "events", "links", "logs", "json"] as const;
type TabId = (typeof TABS)[number];

export function SpanPanel({ tree, node, critical, colours, logs, zone, onClose }: SpanPanelProps) {
  const { search, patch } = useView();
  const { span } = node;
  const tab: TabId = TABS.find((id) => id === search.tab) ?? "overview";
  const own = logs?.filter((log) => log.span_id === span.span_id).length ?? 0;
  return (
    <PeekPanel
      dock="below"
      label={`Span ${span.name}`}
      onClose={onClose}
      title={
        <>
          <ServiceName name={span.service} colour={colours.get(span.service)} />
          <span className={styles.name} title={span.name}>
            {span.name}
          </span>
          {node.isError && <span className="badge error">error</span>}
        </>
      }
    >
      <Tabs
        label="Span"
        current={tab}
        onChange={(next) => patch({ tab: next === "overview" ? undefined : next }, { replace: true })}
        tabs={[
          { id: "overview", title: "Overview" },
          { id: "attributes", title: "Attributes", count: span.attributes.length },
          { id: "events", title: "Events", count: span.events.length },
          { id: "links", title: "Links", count: span.links.length },
          { id: "logs", title: "Logs", count: own },
          { id: "json", title: "Raw JSON" },
        ]}
      />
      {tab === "overview" && <Overview tree={tree} node={node} critical={critical} zone={zone} />}
      {tab === "attributes" && <SpanAttributes node={node} />}
      {tab === "events" && <SpanEvents tree={tree} node={node} />}
      {tab === "links" && <SpanLinks span={span} />}
      {tab === "logs" && <SpanLogs tree={tree} node={node} logs={logs} />}
      {tab === "json" && <JsonView value={span} />}
    </PeekPanel>
  );
}

function Overview({
  tree,
  node,
  critical,
  zone,
}: {
  tree: Tree;
  node: Node;
  critical: readonly Segment[] | null;
  zone: Zone;
}) {
  const { span } = node;
  const onPath = critical?.reduce((sum, [start, end]) => sum + end - start, 0) ?? 0;
  const share = (value: number) => formatPercent(value / tree.duration);
  const exception = span.events.find((event) => event.name === "exception");
  return (
    <>
      {node.isError && (
        <div className={styles.error}>
          <strong>{span.status.message || "Error"}</strong>
          {exception && <Stack attributes={exception.attributes} />}
        </div>
      )}
      <dl className={styles.facts}>
        <Fact
          name="Duration"
          value={`${formatDuration(span.duration_nanos)} (${share(span.duration_nanos)} of the trace)`}
        />
        <Fact name="Self time" value={`${formatDuration(node.self)} (${share(node.self)})`} />
        <Fact name="On the critical path" value={onPath > 0 ? `${formatDuration(onPath)} (${share(onPath)})` : "no"} />
        <Fact name="Starts at" value={formatDuration(node.start)} />
        <Fact name="Start" value={formatNanos(parseNanos(span.start_unix_nano), zone)} mono />
        <Fact name="End" value={formatNanos(parseNanos(span.end_unix_nano), zone)} mono />
        <Fact name="Kind" value={span.kind.toLowerCase()} />
        <Fact name="Status" value={span.status.code.toLowerCase()} />
        <Fact name="Children" value={`${node.children.length} direct, ${node.below} in all`} />
        <Fact name="Span id" value={span.span_id} mono copy />
        {span.parent_span_id && <Fact name="Parent" value={span.parent_span_id} mono copy />}
        {span.trace_state && <Fact name="Trace state" value={span.trace_state} mono copy />}
        <Fact name="Scope" value={`${span.scope.name} ${span.scope.version}`.trim() || "none"} mono />
      </dl>
      <div className={styles.actions}>
        <Link
          to="/traces"
          search={{ q: `${term("service", span.service)} ${term("name", span.name)}` }}
          className="button small"
        >
          <ListFilter size={13} aria-hidden /> Traces with this operation
        </Link>
        <Link to="/logs" search={{ q: `trace_id:${span.trace_id}`, ...aroundTrace(tree) }} className="button small">
          Logs of the trace
        </Link>
      </div>
      <SpanAttributes node={node} />
    </>
  );
}

/** The range of the trace with a minute on both sides, for links to the logs. */
export function aroundTrace(tree: Tree): { from: string; to: string } {
  const startMilli = Number(tree.startNanos / 1_000_000n);
  return { from: String(startMilli - 60_000), to: String(Math.ceil(startMilli + tree.duration / 1e6) + 60_000) };
}

function SpanAttributes({ node }: { node: Node }) {
  const { span } = node;
  return (
    <Attributes
      searchable
      groups={[
        ...byArea(span.attributes, span.dropped_attributes_count),
        { title: "Resource", attributes: span.resource.attributes, dropped: span.resource.dropped_attributes_count },
        { title: "Scope", attributes: span.scope.attributes },
      ].filter((group) => group.attributes.length > 0)}
    />
  );
}

/** Groups by the first part of the key, the area of the semantic conventions; single ones stay together. */
function byArea(attributes: readonly KeyValue[], dropped: number) {
  const areas = new Map<string, KeyValue[]>();
  for (const entry of attributes) {
    const area = entry.key.includes(".") ? (entry.key.split(".")[0] ?? "") : "";
    areas.set(area, [...(areas.get(area) ?? []), entry]);
  }
  const own = [...areas].filter(([area, entries]) => area !== "" && entries.length > 1);
  const rest = [...areas]
    .filter(([area, entries]) => area === "" || entries.length === 1)
    .flatMap(([, entries]) => entries);
  const groups = own.map(([title, entries]) => ({ title, attributes: entries, dropped: 0 }));
  return [...groups, { title: own.length > 0 ? "Other attributes" : "Attributes", attributes: rest, dropped }];
}

function Fact({ name, value, mono, copy }: { name: string; value: string; mono?: boolean; copy?: boolean }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : undefined}>
        {value}
        {copy && <CopyButton text={value} label={`Copy ${name.toLowerCase()}`} />}
      </dd>
    </div>
  );
}

export function Stack({ attributes }: { attributes: readonly KeyValue[] }) {
  const find = (key: string) => {
    const value = attributes.find((entry) => entry.key === key)?.value;
    return value && "stringValue" in value ? value.stringValue : "";
  };
  const type = find("exception.type");
  const message = find("exception.message");
  const stack = find("exception.stacktrace");
  return (
    <div className={styles.stack}>
      {(type || message) && (
        <p>
          <code>{type}</code> {message}
        </p>
      )}
      {stack && (
        <div className={styles.trace}>
          <pre>{stack}</pre>
          <span className={styles.copy}>
            <CopyButton text={stack} label="Copy stack trace" />
          </span>
        </div>
      )}
    </div>
  );
}
