// Two traces on one time base: which operations explain the difference, and span by span what became slower.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeftRight } from "lucide-react";
import { useMemo } from "react";
import { fetchColumns } from "../../../api/trace-columns.ts";
import { Empty, ErrorBox, Skeleton } from "../../../components/States.tsx";
import { aroundIn } from "../../../lib/around.ts";
import { serviceColour } from "../../../lib/colour.ts";
import { formatCount, formatPercent, plural } from "../../../lib/number.ts";
import { EMPTY_REPORT, useReport } from "../../../lib/report.ts";
import { formatDuration } from "../../../lib/time/format.ts";
import { useView } from "../../../lib/view.ts";
import { nameOf, serviceOf, type TraceTree } from "../tree.ts";
import { type LoadedTrace, readAnswer } from "../worker.ts";
import { alignTraces, explainDifference, type PairRow } from "./align.ts";
import styles from "./ComparePage.module.css";
import { CompareRows } from "./CompareRows.tsx";
import { PairPanel } from "./PairPanel.tsx";
import { useTypical } from "./useTypical.ts";

function useTrace(id: string | undefined, around: number | undefined) {
  return useQuery({
    queryKey: ["trace", id],
    enabled: id !== undefined && /^[0-9a-f]{32}$/.test(id),
    structuralSharing: false,
    queryFn: async ({ signal }) => {
      const { value, elapsedMs } = await fetchColumns(id ?? "", around, signal);
      return { ...(await readAnswer(value)), elapsedMs };
    },
  });
}

export function ComparePage() {
  const { search, patch } = useView();
  const around = aroundIn(search);
  const a = useTrace(search.a, around);
  const wantsTypical = search.b === "typical" || search.b === undefined;
  const typical = useTypical(wantsTypical ? a.data?.tree : undefined);
  const b = useTrace(wantsTypical ? typical.data?.traceId : search.b, around);
  useReport({ ...EMPTY_REPORT, busy: a.isFetching || b.isFetching || typical.isFetching });
  const error = a.error ?? typical.error ?? b.error;
  if (!search.a) {
    return (
      <Empty reason="none" title="Which traces?">
        <p>Open a trace and press m, or mark two traces of a search with x.</p>
        <Link to="/traces" search={{}} className="button">
          Search traces
        </Link>
      </Empty>
    );
  }
  if (error) return <ErrorBox error={error} onRetry={() => void (a.error ? a : b).refetch()} />;
  if (wantsTypical && a.data && typical.data === null) {
    return (
      <Empty reason="none" title="There is no other trace of this operation in the hour before">
        <Link to="/traces/$traceId" params={{ traceId: search.a }} search={{}} className="button">
          Back to the trace
        </Link>
      </Empty>
    );
  }
  if (!a.data || !b.data) return <Skeleton rows={20} rowHeight={28} />;
  const median = wantsTypical && typical.data ? typical.data : null;
  return (
    <Comparison
      key={`${a.data.tree.traceId} ${b.data.tree.traceId}`}
      a={a.data}
      b={b.data}
      note={
        median
          ? `nearest to the median ${formatDuration(median.median)} of ${formatCount(median.count)} in the hour before`
          : ""
      }
      onSwap={() => patch({ a: b.data.tree.traceId, b: a.data.tree.traceId, span: undefined })}
    />
  );
}

interface ComparisonProps {
  a: LoadedTrace;
  b: LoadedTrace;
  note: string;
  onSwap: () => void;
}

const SHARES_MAX = 12;

/** A row is named by its span in A, or by the one in B when A has none. */
function spanOf(a: TraceTree, b: TraceTree, row: PairRow): string | undefined {
  return row.a >= 0 ? a.spanIds[row.a] : b.spanIds[row.b];
}

function Comparison({ a, b, note, onSwap }: ComparisonProps) {
  const rows = useMemo(() => alignTraces(a.tree, b.tree), [a, b]);
  const shares = useMemo(() => explainDifference(a.tree, a.path, b.tree, b.path), [a, b]);
  const { search, patch } = useView();
  const selected = rows.findIndex((row) => search.span !== undefined && spanOf(a.tree, b.tree, row) === search.span);
  const select = (at: number) => {
    const row = rows[at];
    patch({ span: row && spanOf(a.tree, b.tree, row) }, { replace: true });
  };
  const difference = a.tree.duration - b.tree.duration;
  const onlyA = rows.filter((row) => row.b < 0).length;
  const onlyB = rows.filter((row) => row.a < 0).length;
  const largest = Math.max(1, ...shares.map((share) => Math.abs(share.a - share.b)));
  const shown = shares.slice(0, SHARES_MAX);
  const rest = shares.slice(SHARES_MAX).reduce((sum, share) => sum + share.a - share.b, 0);
  const row = rows[selected];
  return (
    <div className={styles.page}>
      <div className={styles.main}>
        <header className={styles.header}>
          <Side letter="A" trace={a} note="" />
          <button type="button" className="button small" onClick={onSwap} title="Swap A and B">
            <ArrowLeftRight size={13} aria-hidden /> Swap
          </button>
          <Side letter="B" trace={b} note={note} />
        </header>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
        <section className={styles.why} tabIndex={0} aria-label="What explains the difference">
          <h2>
            {difference === 0
              ? "Both took the same time"
              : `What explains the ${formatDuration(Math.abs(difference))} that A is ${difference > 0 ? "slower" : "faster"}`}
          </h2>
          <p className="muted">
            Time on the critical path; the rows add up to the difference. {plural(onlyA, "span")} only in A,{" "}
            {plural(onlyB, "span")} only in B.
          </p>
          <ol className={styles.shares}>
            {shown.map((share) => (
              <li key={`${share.service} ${share.name}`}>
                <span className={styles.delta} data-slower={share.a > share.b}>
                  {signed(share.a - share.b)}
                </span>
                <span className={styles.track}>
                  <i
                    data-slower={share.a > share.b}
                    style={{ width: `${(Math.abs(share.a - share.b) / largest) * 100}%` }}
                  />
                </span>
                <span className="ellipsis" title={`${share.service} ${share.name}`}>
                  {share.service === "" ? (
                    <em>time in which no span ran</em>
                  ) : (
                    <>
                      <i className={styles.dot} style={{ background: serviceColour(share.service) }} />
                      {share.service} <span className="muted">{share.name}</span>
                    </>
                  )}
                </span>
                <span className="faint">
                  {formatDuration(share.a)} vs {formatDuration(share.b)}
                </span>
              </li>
            ))}
            {shares.length > SHARES_MAX && (
              <li>
                <span className={styles.delta}>{signed(rest)}</span>
                <span />
                <span className="faint">{plural(shares.length - SHARES_MAX, "other operation")}</span>
                <span />
              </li>
            )}
          </ol>
        </section>
        <CompareRows a={a.tree} b={b.tree} rows={rows} selected={selected} onSelect={select} />
      </div>
      {row && <PairPanel a={a.tree} b={b.tree} row={row} onClose={() => select(-1)} />}
    </div>
  );
}

export function signed(nanos: number): string {
  return nanos > 0 ? `+${formatDuration(nanos)}` : formatDuration(nanos);
}

/** "+320 %", and nothing where there is nothing to compare with. */
export function signedPercent(a: number, b: number): string {
  if (b <= 0 || a === b) return "";
  const ratio = (a - b) / b;
  return ratio > 0 ? `+${formatPercent(ratio)}` : `\u2212${formatPercent(-ratio)}`;
}

function Side({ letter, trace, note }: { letter: "A" | "B"; trace: LoadedTrace; note: string }) {
  const { tree } = trace;
  return (
    <div className={styles.side}>
      <b className={styles.letter} data-side={letter}>
        {letter}
      </b>
      <div className={styles.facts}>
        <div className="ellipsis">
          <strong>{formatDuration(tree.duration)}</strong> {serviceOf(tree, 0)}{" "}
          <span className="muted">{nameOf(tree, 0)}</span>
        </div>
        <div className="faint ellipsis" title={note}>
          <Link to="/traces/$traceId" params={{ traceId: tree.traceId }} search={{}}>
            <code>{tree.traceId.slice(0, 16)}</code>
          </Link>{" "}
          {plural(tree.count, "span")}
          {tree.errors > 0 && `, ${plural(tree.errors, "error")}`}
          {note && `, ${note}`}
        </div>
      </div>
    </div>
  );
}
