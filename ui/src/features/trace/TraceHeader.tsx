// What the trace is, in one line, and what is wrong with it in the line below.
import { AlertTriangle } from "lucide-react";
import { CopyButton } from "../../components/CopyButton.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration, formatNanos } from "../../lib/time/format.ts";
import { offsetLabel, type Zone } from "../../lib/time/zone.ts";
import type { Tree } from "./model.ts";
import styles from "./TraceHeader.module.css";

export interface TraceHeaderProps {
  traceId: string;
  tree: Tree;
  colours: ReadonlyMap<string, string>;
  zone: Zone;
  logCount: number | null;
  arriving: boolean;
}

export function TraceHeader({ traceId, tree, colours, zone, logCount, arriving }: TraceHeaderProps) {
  const root = tree.nodes[0];
  if (!root) return null;
  const startMilli = Number(tree.startNanos / 1_000_000n);
  return (
    <header className={styles.header}>
      <div className={styles.line}>
        <ServiceName name={root.span.service} colour={colours.get(root.span.service)} />
        <strong className={styles.name}>{root.span.name}</strong>
        {tree.errors > 0 && (
          <span className="badge error">
            <AlertTriangle size={11} aria-hidden /> {plural(tree.errors, "error")}
          </span>
        )}
        {arriving && (
          <span className="badge" role="status">
            spans may still arrive
          </span>
        )}
        <span className="grow" />
        <CopyButton text={traceId} label="Copy trace id" withText />
      </div>
      <dl className={styles.facts}>
        <Fact name="Duration" value={formatDuration(tree.duration)} strong />
        <Fact name="Spans" value={formatCount(tree.nodes.length)} />
        <Fact name="Services" value={formatCount(tree.services.length)} />
        <Fact name="Depth" value={formatCount(tree.maxDepth + 1)} />
        {logCount !== null && <Fact name="Logs" value={formatCount(logCount)} />}
        <Fact name="Started" value={`${formatNanos(tree.startNanos, zone)} ${offsetLabel(startMilli, zone)}`} mono />
      </dl>
      {(tree.orphans > 0 || tree.skewed > 0) && (
        <p className={styles.problems}>
          <AlertTriangle size={13} aria-hidden />
          {tree.orphans > 0 && `${plural(tree.orphans, "span")} with a parent that is not here. `}
          {tree.skewed > 0 &&
            `${plural(tree.skewed, "span")} starting before the parent: the clocks of the hosts differ.`}
        </p>
      )}
    </header>
  );
}

function Fact({ name, value, strong, mono }: { name: string; value: string; strong?: boolean; mono?: boolean }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : undefined} data-strong={strong}>
        {value}
      </dd>
    </div>
  );
}
