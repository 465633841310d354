// The attributes of two matched spans side by side; those that differ come first.
import { useQueries } from "@tanstack/react-query";
import { valueText } from "../../../api/otlp.ts";
import { fetchSpans } from "../../../api/trace-columns.ts";
import type { Span } from "../../../api/traces.ts";
import { PeekPanel } from "../../../components/PeekPanel.tsx";
import { Skeleton } from "../../../components/States.tsx";
import { formatDuration } from "../../../lib/time/format.ts";
import { startMilli } from "../source.ts";
import { nameOf, serviceOf, type TraceTree } from "../tree.ts";
import type { PairRow } from "./align.ts";
import styles from "./ComparePage.module.css";

export interface PairPanelProps {
  a: TraceTree;
  b: TraceTree;
  row: PairRow;
  onClose: () => void;
}

export function PairPanel({ a, b, row, onClose }: PairPanelProps) {
  const sides = [
    { tree: a, index: row.a },
    { tree: b, index: row.b },
  ];
  const answers = useQueries({
    queries: sides.map(({ tree, index }) => ({
      queryKey: ["span", tree.traceId, tree.spanIds[index], "pair"],
      enabled: index >= 0,
      staleTime: Number.POSITIVE_INFINITY,
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        (await fetchSpans(tree.traceId, tree.spanIds[index] ?? "", startMilli(tree), signal))[0] ?? null,
    })),
  });
  const [left, right] = answers.map((answer) => answer.data ?? null);
  const loading = answers.some((answer) => answer.isLoading);
  const [tree, index] = row.a >= 0 ? [a, row.a] : [b, row.b];
  return (
    <PeekPanel
      dock="below"
      label={`Difference of ${nameOf(tree, index)}`}
      onClose={onClose}
      title={`${serviceOf(tree, index)} ${nameOf(tree, index)}`}
    >
      {loading ? <Skeleton rows={8} /> : <Differences a={left ?? null} b={right ?? null} />}
    </PeekPanel>
  );
}

function Differences({ a, b }: { a: Span | null; b: Span | null }) {
  const rows = diffSpans(a, b);
  return (
    <table className={`table ${styles.pairs}`}>
      <thead>
        <tr>
          <th>Attribute</th>
          <th>A</th>
          <th>B</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key} data-differs={row.a !== row.b}>
            <td>{row.key}</td>
            <td>{row.a ?? <span className="faint">none</span>}</td>
            <td>{row.b ?? <span className="faint">none</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface Difference {
  key: string;
  a: string | undefined;
  b: string | undefined;
}

export function diffSpans(a: Span | null, b: Span | null): Difference[] {
  const [left, right] = [facts(a), facts(b)];
  const keys = [...new Set([...left.keys(), ...right.keys()])];
  const rows = keys.map((key) => ({ key, a: left.get(key), b: right.get(key) }));
  return rows.sort((x, y) => Number(x.a === x.b) - Number(y.a === y.b));
}

function facts(span: Span | null): Map<string, string> {
  if (!span) return new Map();
  return new Map([
    ["duration", formatDuration(span.duration_nanos)],
    ["status", `${span.status.code} ${span.status.message}`.trim()],
    ...[...span.attributes, ...span.resource.attributes].map((entry): [string, string] => [
      entry.key,
      valueText(entry.value),
    ]),
  ]);
}
