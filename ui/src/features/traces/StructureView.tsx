// The structure of the traces found: one tree of all of them, with the share of the time on each path.
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useMemo, useState } from "react";
import { fetchColumns, readColumns, type SpanColumns } from "../../api/trace-columns.ts";
import type { TraceSummary } from "../../api/traces.ts";
import { ErrorBox, LimitBadge, Skeleton } from "../../components/States.tsx";
import { serviceColour } from "../../lib/colour.ts";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./Modes.module.css";
import { flatten, mergeTraces, type PathNode } from "./structure.ts";

/** More traces than this are sampled: the newest ones are taken. */
const TRACES_MAX = 60;
const AT_ONCE = 4;

async function fetchAll(ids: readonly string[], signal: AbortSignal): Promise<SpanColumns[]> {
  const out: SpanColumns[] = [];
  const rest = [...ids];
  const work = async () => {
    for (let id = rest.shift(); id; id = rest.shift()) {
      const { value } = await fetchColumns(id, signal);
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
  onPick: (service: string, name: string) => void;
}

export function StructureView({ traces, more, onPick }: StructureViewProps) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<PathNode>>(new Set());
  const ids = useMemo(() => traces.slice(0, TRACES_MAX).map((trace) => trace.trace_id), [traces]);
  const loaded = useQuery({
    queryKey: ["trace-structure", ids],
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => fetchAll(ids, signal),
  });
  const structure = useMemo(() => mergeTraces(loaded.data ?? []), [loaded.data]);
  const rows = useMemo(() => flatten(structure, collapsed), [structure, collapsed]);
  if (loaded.error) return <ErrorBox error={loaded.error} onRetry={() => void loaded.refetch()} />;
  if (!loaded.data) return <Skeleton rows={16} />;
  const toggle = (node: PathNode) => {
    const next = new Set(collapsed);
    if (!next.delete(node)) next.add(node);
    setCollapsed(next);
  };
  return (
    <div className={styles.box}>
      <div className={styles.head}>
        {formatCount(structure.traces)} traces as one tree
        {(more || traces.length > TRACES_MAX) && <LimitBadge>the newest {structure.traces} of more</LimitBadge>}
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
