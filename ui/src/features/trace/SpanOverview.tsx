// The first tab of a span: what went wrong, its times, where it stands among its like, and its attributes.
import { Link, useNavigate } from "@tanstack/react-router";
import { ListFilter } from "lucide-react";
import type { KeyValue } from "../../api/otlp.ts";
import type { Span } from "../../api/traces.ts";
import { Attributes } from "../../components/Attributes.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { term } from "../../lib/filter.ts";
import { logBars } from "../../lib/log-bars.ts";
import { formatCount, formatPercent, formatShort } from "../../lib/number.ts";
import { formatDuration, formatNanos } from "../../lib/time/format.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { type CriticalPath, isCritical } from "./critical.ts";
import { percentileText, type Rank } from "./percentile.ts";
import styles from "./SpanPanel.module.css";
import { Stack } from "./Stack.tsx";
import { traceRange } from "./source.ts";
import { children, durationOf, nameOf, serviceOf, type TraceTree } from "./tree.ts";
import { useRank } from "./useRank.ts";

export interface SpanOverviewProps {
  tree: TraceTree;
  index: number;
  path: CriticalPath;
  /** Null while it is loading; what the columns know is shown before. */
  span: Span | null;
  live: boolean;
  zone: Zone;
  onSelect: (index: number) => void;
}

export function SpanOverview({ tree, index, path, span, live, zone, onSelect }: SpanOverviewProps) {
  const own = path.own[index] ?? 0;
  const duration = durationOf(tree, index);
  const share = (value: number) => formatPercent(value / tree.duration);
  const exception = span?.events.find((event) => event.name === "exception");
  const rank = useRank(tree, index, live);
  const parent = tree.parent[index] ?? -1;
  const start = tree.startNanos + BigInt(Math.round(tree.start[index] ?? 0));
  const range = traceRange(tree);
  const around = { from: String(range.fromMilli), to: String(range.toMilli) };
  return (
    <>
      {span?.status.code === "ERROR" && (
        <div className={styles.error}>
          <strong>{span.status.message || "Error"}</strong>
          {exception && <Stack attributes={exception.attributes} />}
        </div>
      )}
      <dl className={styles.facts}>
        <Fact name="Duration" value={`${formatDuration(duration)} (${share(duration)} of the trace)`} />
        {rank && <RankFact rank={rank} duration={duration} />}
        <Fact name="Self time" value={`${formatDuration(tree.self[index] ?? 0)} (${share(tree.self[index] ?? 0)})`} />
        <Fact
          name="On the critical path"
          value={isCritical(path, index) ? `${formatDuration(own)} (${share(own)})` : "no"}
        />
        <Fact name="Starts at" value={formatDuration(tree.start[index] ?? 0)} />
        <Fact name="Start" value={formatNanos(start, zone)} mono />
        <Fact name="End" value={formatNanos(start + BigInt(Math.round(duration)), zone)} mono />
        <Fact name="Kind" value={(tree.kinds[tree.kind[index] ?? 0] ?? "").toLowerCase()} />
        <Fact name="Status" value={["unset", "ok", "error"][tree.status[index] ?? 0] ?? "unset"} />
        <Fact
          name="Below"
          value={`${formatCount(children(tree, index).length)} direct, ${formatCount(tree.below[index] ?? 0)} in all`}
        />
        <Fact name="Span id" value={tree.spanIds[index] ?? ""} mono copy />
        <div className={styles.fact}>
          <dt>Parent</dt>
          <dd>
            {parent >= 0 ? (
              <button type="button" className={styles.link} onClick={() => onSelect(parent)}>
                {serviceOf(tree, parent)} {nameOf(tree, parent)}
              </button>
            ) : parent === -2 ? (
              <span className={styles.missing}>{span?.parent_span_id ?? ""} is not stored</span>
            ) : (
              "none: this is a root"
            )}
          </dd>
        </div>
        {span && span.adjusted_count > 1 && (
          <Fact
            name="Stands for"
            value={`${formatShort(span.adjusted_count)} spans like it, of which a sampler kept this one`}
          />
        )}
        {span?.trace_state && <Fact name="Trace state" value={span.trace_state} mono copy />}
        {span && <Fact name="Scope" value={`${span.scope.name} ${span.scope.version}`.trim() || "none"} mono />}
      </dl>
      {live && (
        <div className={styles.actions}>
          <Link
            to="/traces"
            search={{ q: `${term("service", serviceOf(tree, index))} ${term("name", nameOf(tree, index))}` }}
            className="button small"
          >
            <ListFilter size={13} aria-hidden /> Traces with this operation
          </Link>
          <Link to="/logs" search={{ q: `trace_id:${tree.traceId}`, ...around }} className="button small">
            Logs of the trace
          </Link>
          <Link to="/services/$name" params={{ name: serviceOf(tree, index) }} search={{}} className="button small">
            Service
          </Link>
        </div>
      )}
      {span && <SpanAttributes span={span} live={live} />}
    </>
  );
}

const BARS = 28;

/** The percentile of the span, with the durations of its operation as bars; the bar of this span is marked. */
function RankFact({ rank, duration }: { rank: Rank; duration: number }) {
  const bars = logBars(rank.cells, BARS);
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  return (
    <div className={styles.fact}>
      <dt>Among its like</dt>
      <dd className={styles.rank}>
        <span>
          {percentileText(rank.percentile)}, typical is {formatDuration(rank.median)}
          <span className="faint"> of {formatCount(rank.count)} in the hour before</span>
        </span>
        <span className={styles.bars} aria-hidden>
          {bars.map((bar) => (
            <i
              key={bar.low}
              data-own={duration >= bar.low && duration < bar.high}
              title={`${formatDuration(bar.low)} to ${formatDuration(bar.high)}: ${formatCount(bar.count)}`}
              style={{ height: `${bar.count === 0 ? 0 : Math.max(8, (bar.count / most) * 100)}%` }}
            />
          ))}
        </span>
      </dd>
    </div>
  );
}

/** Include and exclude lead to a search for other spans that have, or have not, the value. */
export function SpanAttributes({ span, live }: { span: Span; live: boolean }) {
  const navigate = useNavigate();
  return (
    <Attributes
      searchable
      onFilter={
        live
          ? (key, value, exclude) =>
              void navigate({
                to: "/traces",
                search: { q: `${term("service", span.service)} ${term(key, value, exclude)}` },
              })
          : undefined
      }
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
