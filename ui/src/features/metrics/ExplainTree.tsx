// Every part of an expression with what it gives: series, labels, time; and why two sides of an operator do not meet.
import { useQueries, useQuery } from "@tanstack/react-query";
import { AlertTriangle } from "lucide-react";
import { type QueryResult, queryInstant } from "../../api/prometheus.ts";
import { fetchTree } from "../../api/promql.ts";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./ExplainTree.module.css";
import { type Expression, readExpression } from "./expression.ts";
import { labelCounts, matchReport, matchText } from "./matching.ts";

export interface ExplainTreeProps {
  query: string;
  atMilli: number;
  onQuery: (query: string) => void;
}

interface Part {
  expression: Expression;
  depth: number;
  /** Places of the children in the list. */
  children: number[];
}

const PARTS_MAX = 60;
const LABELS_MAX = 8;

function flatten(root: Expression): Part[] {
  const out: Part[] = [];
  const add = (expression: Expression, depth: number): number => {
    const at = out.length;
    const part: Part = { expression, depth, children: [] };
    out.push(part);
    if (out.length < PARTS_MAX) part.children = expression.children.map((child) => add(child, depth + 1));
    return at;
  };
  add(root, 0);
  return out;
}

/** What can be evaluated at an instant: a range vector counts the series of its selector. */
function instantText({ text, isRange, type }: Expression): string | null {
  if (type === "numberLiteral" || type === "stringLiteral") return null;
  return isRange ? `last_over_time(${text})` : text;
}

export function ExplainTree({ query, atMilli, onQuery }: ExplainTreeProps) {
  const tree = useQuery({
    queryKey: ["promql-tree", query],
    enabled: query.trim() !== "",
    retry: false,
    queryFn: async ({ signal }) => readExpression(await fetchTree(query, signal)),
  });
  const parts = tree.data ? flatten(tree.data) : [];
  const answers = useQueries({
    queries: parts.map(({ expression }) => {
      const text = instantText(expression);
      return {
        queryKey: ["query", text, atMilli],
        enabled: text !== null,
        retry: false,
        queryFn: ({ signal }: { signal: AbortSignal }) => queryInstant(text ?? "", atMilli, signal),
      };
    }),
  });
  if (tree.error) return <ErrorBox error={tree.error} query={query} />;
  if (!tree.data) return <Skeleton rows={6} />;
  return (
    <div className={styles.box}>
      <ul className={styles.tree} aria-label="Parts of the expression">
        {parts.map((part, at) => (
          <li key={at} className={styles.part} style={{ paddingLeft: 16 + part.depth * 22 }}>
            <Line
              part={part}
              answer={answers[at]?.data}
              error={answers[at]?.error ?? null}
              left={answers[part.children[0] ?? -1]?.data?.value}
              right={answers[part.children[1] ?? -1]?.data?.value}
              onQuery={onQuery}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}

interface LineProps {
  part: Part;
  answer: { value: QueryResult; elapsedMs: number } | undefined;
  error: Error | null;
  left: QueryResult | undefined;
  right: QueryResult | undefined;
  onQuery: (query: string) => void;
}

function Line({ part, answer, error, left, right, onQuery }: LineProps) {
  const { expression } = part;
  const series = answer?.value.series ?? [];
  const labels = labelCounts(series);
  const empty = answer !== undefined && series.length === 0 && answer.value.text === null;
  const { matching } = expression;
  const report = matching && left && right ? matchReport(left.series, right.series, matching) : null;
  const apart = report !== null && (report.matchedLeft < report.left || report.matchedRight < report.right);
  return (
    <>
      <button
        type="button"
        className={styles.title}
        title={`Show ${expression.text}`}
        onClick={() => onQuery(expression.text)}
      >
        {expression.title}
      </button>
      <span className={styles.facts}>
        {error && <span className={styles.error}>{error.message}</span>}
        {answer && (
          <>
            <span data-empty={empty} className={styles.count}>
              {answer.value.type === "scalar"
                ? String(series[0]?.values[0] ?? "")
                : plural(series.length, "series").replace("seriess", "series")}
            </span>
            <span className="faint">{formatDuration(answer.elapsedMs * 1e6)}</span>
            {labels.slice(0, LABELS_MAX).map((label) => (
              <span key={label.name} className={styles.label}>
                {label.name} <b>{formatCount(label.values)}</b>
              </span>
            ))}
            {labels.length > LABELS_MAX && <span className="faint">and {labels.length - LABELS_MAX} more labels</span>}
          </>
        )}
      </span>
      {report && matching && (
        <span className={styles.match} data-apart={apart}>
          {apart && <AlertTriangle size={12} aria-hidden />}
          {matchText(report, matching)}
        </span>
      )}
    </>
  );
}
