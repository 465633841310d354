// The structure of the traces found: one tree of all of them, with the share of the time on each path.
import { type UseQueryResult, useQueries } from "@tanstack/react-query";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useMemo, useState } from "react";
import { fetchColumns, readColumns, type SpanColumns } from "../../api/trace-columns.ts";
import type { TraceSummary } from "../../api/traces.ts";
import { ErrorBox, LimitBadge, Skeleton } from "../../components/States.tsx";
import { serviceColour } from "../../lib/colour.ts";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import styles from "./Modes.module.css";
import { flatten, mergeTraces, type PathNode } from "./structure.ts";

/** So many are fetched at a time, the newest first; more when somebody asks for them. */
const CHUNK = 60;
/** More than this is no picture any more, and would fill the memory of the page. */
const TRACES_MAX = 1200;
const AT_ONCE = 4;

function chunksOf(traces: readonly TraceSummary[]): TraceSummary[][] {
  return Array.from({ length: Math.ceil(traces.length / CHUNK) }, (_, at) =>
    traces.slice(at * CHUNK, (at + 1) * CHUNK),
  );
}

/** What is there of all chunks; the last ones may still be on their way. */
function joined(results: readonly UseQueryResult<SpanColumns[], Error>[]) {
  const failed = results.find((result) => result.error);
  return {
    columns: results.flatMap((result) => result.data ?? []),
    error: failed?.error ?? null,
    busy: results.some((result) => result.isFetching),
    retry: () => void failed?.refetch(),
  };
}

async function fetchAll(traces: readonly TraceSummary[], signal: AbortSignal): Promise<SpanColumns[]> {
  const out: SpanColumns[] = [];
  const rest = [...traces];
  const work = async () => {
    for (let trace = rest.shift(); trace; trace = rest.shift()) {
      const around = nanosToMilli(parseNanos(trace.start_unix_nano)) || undefined;
      const { value } = await fetchColumns(trace.trace_id, around, signal);
      out.push(readColumns(JSON.parse(new TextDecoder().decode(value))).columns);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return out;
}

export interface StructureViewProps {
  traces: readonly TraceSummary[];
  /** There are more traces than those that are loaded. */
  more: boolean;
  /** Loads more of them. */
  onMore: () => void;
  onPick: (service: string, name: string) => void;
}

export function StructureView({ traces, more, onMore, onPick }: StructureViewProps) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<PathNode>>(new Set());
  const [wanted, setWanted] = useState(CHUNK);
  const chunks = useMemo(() => chunksOf(traces.slice(0, wanted)), [traces, wanted]);
  const { columns, error, busy, retry } = useQueries({
    queries: chunks.map((chunk) => ({
      queryKey: ["trace-structure", chunk.map((trace) => trace.trace_id)],
      structuralSharing: false,
      staleTime: Number.POSITIVE_INFINITY,
      queryFn: ({ signal }: { signal: AbortSignal }) => fetchAll(chunk, signal),
    })),
    combine: joined,
  });
  const structure = useMemo(() => mergeTraces(columns), [columns]);
  const rows = useMemo(() => flatten(structure, collapsed), [structure, collapsed]);
  if (error) return <ErrorBox error={error} onRetry={retry} />;
  if (columns.length === 0 && busy) return <Skeleton rows={16} />;
  const missing = more || traces.length > wanted;
  const grow = () => {
    if (traces.length < wanted + CHUNK && more) onMore();
    setWanted(wanted + CHUNK);
  };
  const toggle = (node: PathNode) => {
    const next = new Set(collapsed);
    if (!next.delete(node)) next.add(node);
    setCollapsed(next);
  };
  return (
    <div className={styles.box}>
      <div className={styles.head}>
        {formatCount(structure.traces)} traces as one tree
        {missing && <LimitBadge>the newest {structure.traces} of more</LimitBadge>}
        {missing && wanted < TRACES_MAX && (
          <button type="button" className="button small" disabled={busy} onClick={grow}>
            {busy ? "Reading\u2026" : `${CHUNK} more`}
          </button>
        )}
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>Service and operation</th>
            <th className="number">Traces</th>
            <th className="number">Spans per trace</th>
            <th className="number">Errors</th>
            <th className="number">Mean</th>
            <th className="number">Self</th>
            <th>Share of the time</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((node, at) => {
            const Chevron = collapsed.has(node) ? ChevronRight : ChevronDown;
            const share = node.total / Math.max(1, structure.total);
            return (
              <tr key={at}>
                <td className={styles.path} style={{ paddingLeft: 10 + Math.min(node.depth, 16) * 14 }}>
                  {node.children.size > 0 ? (
                    <button
                      type="button"
                      className={styles.toggle}
                      aria-expanded={!collapsed.has(node)}
                      aria-label={`${node.name}: what it called`}
                      onClick={() => toggle(node)}
                    >
                      <Chevron size={13} aria-hidden />
                    </button>
                  ) : (
                    <span className={styles.toggle} />
                  )}
                  <i className={styles.stripe} style={{ background: serviceColour(node.service) }} />
                  <button
                    type="button"
                    className={styles.pick}
                    title={`Only traces with ${node.service} ${node.name}`}
                    onClick={() => onPick(node.service, node.name)}
                  >
                    <b>{node.service}</b> {node.name}
                  </button>
                </td>
                <td className="number">{formatPercent(node.traces / Math.max(1, structure.traces))}</td>
                <td className="number">{(node.spans / Math.max(1, node.traces)).toFixed(1).replace(/\.0$/, "")}</td>
                <td className={`number ${node.errors > 0 ? styles.error : "faint"}`}>{formatCount(node.errors)}</td>
                <td className="number">{formatDuration(node.total / node.spans)}</td>
                <td className="number">{formatPercent(node.self / Math.max(1, structure.total))}</td>
                <td>
                  <span className={styles.share}>
                    <i style={{ width: `${Math.min(1, share) * 100}%`, background: serviceColour(node.service) }} />
                  </span>
                  {formatPercent(share)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
