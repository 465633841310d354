// What the trace is, in one line; its figures in the next; and what is wrong with it, with the way out.
import { AlertTriangle } from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "../../components/CopyButton.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration, formatNanos } from "../../lib/time/format.ts";
import { offsetLabel, type Zone } from "../../lib/time/zone.ts";
import { percentileText, type Rank } from "./percentile.ts";
import styles from "./TraceHeader.module.css";
import { nameOf, serviceOf, type TraceTree } from "./tree.ts";

export interface TraceHeaderProps {
  tree: TraceTree;
  colourOf: (index: number) => string;
  zone: Zone;
  logCount: number | null;
  arriving: boolean;
  /** Where the root stands among its like; null when nobody knows. */
  rank: Rank | null;
  actions: ReactNode;
}

export function TraceHeader({ tree, colourOf, zone, logCount, arriving, rank, actions }: TraceHeaderProps) {
  const startMilli = Number(tree.startNanos / 1_000_000n);
  return (
    <header className={styles.header}>
      <div className={styles.line}>
        <ServiceName name={serviceOf(tree, 0)} colour={`var(${colourOf(0)})`} />
        <strong className={styles.name} title={nameOf(tree, 0)}>
          {nameOf(tree, 0)}
        </strong>
        <span className={styles.length}>{formatDuration(tree.duration)}</span>
        {tree.errors > 0 && (
          <span className="badge error">
            <AlertTriangle size={11} aria-hidden /> {plural(tree.errors, "error")}
          </span>
        )}
        {rank && (
          <span
            className={rank.percentile >= 0.95 ? "badge warn" : "badge"}
            title={`Among ${formatCount(rank.count)} spans of this operation in the hour before`}
          >
            typical is {formatDuration(rank.median)}, this is {percentileText(rank.percentile)}
          </span>
        )}
        {arriving && (
          <span className="badge" role="status">
            spans may still arrive
          </span>
        )}
        <span className="grow" />
        {actions}
        <CopyButton text={tree.traceId} label="Copy trace id" withText />
      </div>
      <dl className={styles.facts}>
        <Fact name="Spans" value={formatCount(tree.count)} />
        <Fact name="Services" value={formatCount(tree.services.length)} />
        <Fact name="Depth" value={formatCount(tree.maxDepth + 1)} />
        {logCount !== null && <Fact name="Logs" value={formatCount(logCount)} />}
        <Fact name="Started" value={`${formatNanos(tree.startNanos, zone)} ${offsetLabel(startMilli, zone)}`} mono />
      </dl>
    </header>
  );
}

function Fact({ name, value, mono }: { name: string; value: string; mono?: boolean }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : undefined}>{value}</dd>
    </div>
  );
}
