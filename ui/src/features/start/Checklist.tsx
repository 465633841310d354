// What arrives, live: per signal grey (waiting), amber (refused) or green (first record, with a link to it), and the
// refusals of the last minutes with their fix.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { AlertTriangle, ArrowRight, CheckCircle2, CircleDashed } from "lucide-react";
import { serverNow } from "../../api/client.ts";
import { fetchLogs } from "../../api/logs.ts";
import { type Refusal, SIGNALS, type Signal, type SignalStatus, type Status } from "../../api/status.ts";
import { fetchTraces } from "../../api/traces.ts";
import { formatCount, formatShort } from "../../lib/number.ts";
import { formatRelative } from "../../lib/time/format.ts";
import styles from "./Checklist.module.css";
import { fixFor } from "./fixes.ts";

const TITLES: Record<Signal, string> = { traces: "Traces", logs: "Logs", metrics: "Metrics" };
const MAX_SERVICES = 8;

export function Checklist({ status }: { status: Status | null }) {
  const refusals = status?.refusals ?? [];
  return (
    <>
      <h2 className={styles.title}>What arrives</h2>
      <ul className={styles.signals}>
        {SIGNALS.map((signal) => (
          <SignalItem key={signal} signal={signal} status={status} />
        ))}
      </ul>
      {refusals.length > 0 && (
        <>
          <h2 className={styles.title}>Refused</h2>
          <ul className={styles.refusals} role="status">
            {refusals.map((refusal) => (
              <RefusalItem
                key={`${refusal.code} ${refusal.signal} ${refusal.message}`}
                refusal={refusal}
                now={status?.now_unix_milli ?? 0}
              />
            ))}
          </ul>
        </>
      )}
      {status && refusals.length === 0 && <p className={styles.calm}>Nothing was refused in the last minutes.</p>}
      {status && (
        <p className={styles.version}>
          Bellrock {status.version}, up{" "}
          {formatRelative(status.started_unix_milli, status.now_unix_milli).replace(" ago", "")}
          {status.demo && ", with demo data"}
        </p>
      )}
    </>
  );
}

type Light = "grey" | "amber" | "green";

function lightOf(facts: SignalStatus | undefined): Light {
  if (!facts) return "grey";
  if (facts.accepted > 0) return "green";
  return facts.refused > 0 ? "amber" : "grey";
}

function SignalItem({ signal, status }: { signal: Signal; status: Status | null }) {
  const facts = status?.signals[signal];
  const light = lightOf(facts);
  const Icon = light === "green" ? CheckCircle2 : light === "amber" ? AlertTriangle : CircleDashed;
  return (
    <li className={styles.signal} data-light={light}>
      <Icon size={20} aria-hidden className={styles.icon} />
      <div className="grow">
        <div className={styles.line}>
          <strong>{TITLES[signal]}</strong>
          {facts && facts.accepted > 0 && <span className={styles.count}>{formatShort(facts.accepted)} accepted</span>}
          {facts && facts.refused > 0 && <span className="badge warn">{formatCount(facts.refused)} refused</span>}
        </div>
        <div role="status" className="muted">
          {light === "grey" && "waiting for the first one"}
          {light === "amber" && "arrived, but was refused: see below"}
          {light === "green" && (
            <>
              {lastSeen(facts?.last_received_unix_milli ?? 0, status?.now_unix_milli ?? 0)}
              {facts && facts.services.length > 0 && <> from {facts.services.slice(0, MAX_SERVICES).join(", ")}</>}
            </>
          )}
        </div>
        {light === "green" && <OpenLink signal={signal} />}
      </div>
    </li>
  );
}

function lastSeen(unixMilli: number, nowMilli: number): string {
  return nowMilli - unixMilli < 1000 ? "just now" : `last ${formatRelative(unixMilli, nowMilli)}`;
}

const LOOK_BACK_MILLI = 3_600_000;

/** Leads to the newest record itself, not just to the page. */
function OpenLink({ signal }: { signal: Signal }) {
  const newest = useQuery({
    queryKey: ["newest", signal],
    enabled: signal !== "metrics",
    queryFn: async ({ signal: abort }) => {
      const now = serverNow();
      const range = { fromMilli: now - LOOK_BACK_MILLI, toMilli: now + 60_000 };
      if (signal === "traces")
        return (await fetchTraces({ range, q: "", limit: 1 }, abort)).value.traces[0]?.trace_id ?? null;
      return (await fetchLogs({ range, q: "", limit: 1 }, abort)).value.logs[0]?.id ?? null;
    },
  });
  const arrow = <ArrowRight size={13} aria-hidden />;
  if (signal === "traces" && newest.data) {
    return (
      <Link to="/traces/$traceId" params={{ traceId: newest.data }} search={{}} className={styles.open ?? ""}>
        Open the newest trace {arrow}
      </Link>
    );
  }
  if (signal === "logs" && newest.data) {
    return (
      <Link to="/logs" search={{ peek: `log:${newest.data}` }} className={styles.open ?? ""}>
        Open the newest record {arrow}
      </Link>
    );
  }
  return (
    <Link to={`/${signal}`} search={{}} className={styles.open ?? ""}>
      Open {TITLES[signal]} {arrow}
    </Link>
  );
}

function RefusalItem({ refusal, now }: { refusal: Refusal; now: number }) {
  const fix = fixFor(refusal.code);
  return (
    <li className={styles.refusal}>
      <div className={styles.line}>
        <code>{refusal.code}</code>
        <span className="grow" />
        <span className="faint">
          {refusal.count > 1 && `${formatCount(refusal.count)} times, `}
          {formatRelative(refusal.time_unix_milli, now)}
        </span>
      </div>
      <p>{refusal.message}</p>
      {fix && <p className={styles.fix}>{fix}</p>}
    </li>
  );
}
