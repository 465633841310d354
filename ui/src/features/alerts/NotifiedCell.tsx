// Who was told of an alert and when, or why nobody was.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellOff, CheckCheck, Clock, ShieldOff, TriangleAlert } from "lucide-react";
import { fetchWhy, type Notified } from "../../api/alerts.ts";
import { formatDuration, formatRelative } from "../../lib/time/format.ts";
import styles from "./TriageTable.module.css";
import type { TriageRow } from "./triage.ts";

const SHOWN = 2;
/** Messages and evaluations are stamped by different parts of the server. */
const CLOCK_MS = 1000;

export interface NotifiedCellProps {
  row: TriageRow;
  messages: readonly Notified[];
  nowMilli: number;
}

export function NotifiedCell({ row, messages, nowMilli }: NotifiedCellProps) {
  const { managed } = row;
  if (row.state === "silenced" && managed) {
    const windows = managed.muted_by.length > 0;
    return (
      <span className={styles.told}>
        <BellOff size={13} aria-hidden />
        {windows ? (
          `muted by ${managed.muted_by.join(", ")}`
        ) : (
          <Link to="/alerts/silences" search={{ q: managed.silenced_by[0] }}>
            silenced
          </Link>
        )}
      </span>
    );
  }
  if (row.state === "inhibited" && managed) {
    const [source] = managed.inhibited_by;
    return (
      <span className={styles.told}>
        <ShieldOff size={13} aria-hidden />
        {source ? (
          <Link to="/alerts/instances/$fp" params={{ fp: source }}>
            inhibited
          </Link>
        ) : (
          "inhibited"
        )}
      </span>
    );
  }
  // Those of an earlier time that it fired say nothing about this one.
  // The alert manager remembers over a restart, the rule begins anew.
  const since = Math.min(row.since ?? 0, managed?.starts_at_ms ?? Number.POSITIVE_INFINITY);
  const told = messages.filter((message) => message.at_ms >= since - CLOCK_MS);
  if (told.length > 0) {
    return (
      <span className={styles.tellings}>
        {told.slice(0, SHOWN).map((message) => (
          <Told key={`${message.receiver} ${message.channel}`} message={message} nowMilli={nowMilli} />
        ))}
        {told.length > SHOWN && <span className="faint">and {told.length - SHOWN} more</span>}
      </span>
    );
  }
  if (row.state === "pending") {
    const left = (row.since ?? nowMilli) + (row.rule?.rule.duration ?? 0) * 1000 - nowMilli;
    return (
      <span className={styles.told}>
        <Clock size={13} aria-hidden /> not yet{left > 0 ? `, fires in ${formatDuration(left * 1e6)}` : ""}
      </span>
    );
  }
  if (row.fingerprint && managed) return <WhyNobody fingerprint={row.fingerprint} said={managed.answer} />;
  return <span className="faint">–</span>;
}

function Told({ message, nowMilli }: { message: Notified; nowMilli: number }) {
  const failed = message.outcome !== "delivered";
  return (
    <span
      className={styles.told}
      data-failed={failed}
      title={message.reason || `${message.receiver} ${message.channel}`}
    >
      {failed ? <TriangleAlert size={13} aria-hidden /> : <CheckCheck size={13} aria-hidden />}
      <span className="ellipsis">
        {failed ? "not " : ""}
        {message.receiver}
      </span>
      <span className={`${styles.when} faint`}>{formatRelative(message.at_ms, nowMilli)}</span>
    </span>
  );
}

function WhyNobody({ fingerprint, said }: { fingerprint: string; said: string }) {
  const why = useQuery({
    queryKey: ["why", fingerprint],
    queryFn: ({ signal }) => fetchWhy(fingerprint, signal),
    staleTime: 15_000,
    refetchInterval: 15_000,
    enabled: said === "",
    retry: false,
  });
  const text = said || why.data?.answer;
  if (!text) return <span className="faint">asking</span>;
  return (
    <span className={styles.why} title={text}>
      {text}
    </span>
  );
}
