// What arrives, live: per signal grey (waiting), amber (refused, or something is odd) or green, each service with its
// first record and what is odd about it, and what was turned away in the last minutes with its fix.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { AlertTriangle, ArrowRight, CheckCircle2, CircleDashed } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { serverNow } from "../../api/client.ts";
import { fetchLogs } from "../../api/logs.ts";
import { type Arrival, fetchStart, START_KEY, type Turned } from "../../api/start.ts";
import { SIGNALS, type Signal, type SignalStatus, type Status } from "../../api/status.ts";
import { fetchTraces } from "../../api/traces.ts";
import { formatCount, formatShort, plural } from "../../lib/number.ts";
import { formatClock, formatRelative } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Checklist.module.css";

const TITLES: Record<Signal, string> = { traces: "Traces", logs: "Logs", metrics: "Metrics" };
const FIRST: Record<Signal, string> = { traces: "first span", logs: "first record", metrics: "first point" };
const MAX_SERVICES = 6;
/** Said, but no reason to turn the light amber. */
const ADVICE = new Set(["no_trace_ids", "delta"]);
const POLL_MS = 2000;

export function Checklist({ status }: { status: Status | null }) {
  const start = useQuery({
    queryKey: START_KEY,
    queryFn: ({ signal }) => fetchStart(signal),
    refetchInterval: POLL_MS,
    retry: false,
    staleTime: 0,
  });
  const refusals = start.data?.refusals ?? [];
  useTabTick(status);
  return (
    <>
      <h2 className={styles.title}>What arrives</h2>
      <ul className={styles.signals}>
        {SIGNALS.map((signal) => (
          <SignalItem key={signal} signal={signal} status={status} arrivals={start.data?.signals[signal] ?? []} />
        ))}
      </ul>
      {refusals.length > 0 && (
        <>
          <h2 className={styles.title}>Refused in the last minutes</h2>
          <ul className={styles.refusals} role="status">
            {refusals.map((refusal) => (
              <RefusalItem
                key={`${refusal.code} ${refusal.signal} ${refusal.message}`}
                refusal={refusal}
                now={status?.now_unix_milli ?? refusal.time_unix_milli}
              />
            ))}
          </ul>
        </>
      )}
      {start.data && refusals.length === 0 && <p className={styles.calm}>Nothing was refused in the last minutes.</p>}
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

/** A tick in the tab's title once everything arrives, for those who look at their editor meanwhile. */
function useTabTick(status: Status | null): void {
  const arrived = SIGNALS.filter((signal) => (status?.signals[signal].accepted ?? 0) > 0).length;
  useEffect(() => {
    if (arrived === 0) return;
    const plain = document.title;
    document.title = `${arrived === SIGNALS.length ? "\u2713" : `${arrived}/${SIGNALS.length}`} ${plain}`;
    return () => {
      document.title = plain;
    };
  }, [arrived]);
}

type Light = "grey" | "amber" | "green";

function lightOf(facts: SignalStatus | undefined, warned: boolean): Light {
  if (!facts) return "grey";
  if (facts.accepted > 0) return warned ? "amber" : "green";
  return facts.refused > 0 ? "amber" : "grey";
}

interface SignalItemProps {
  signal: Signal;
  status: Status | null;
  arrivals: Arrival[];
}

function SignalItem({ signal, status, arrivals }: SignalItemProps) {
  const facts = status?.signals[signal];
  const warned = arrivals.some((arrival) => arrival.warnings.some((warning) => !ADVICE.has(warning.code)));
  const light = lightOf(facts, warned);
  const Icon = light === "green" ? CheckCircle2 : light === "amber" ? AlertTriangle : CircleDashed;
  const arrived = (facts?.accepted ?? 0) > 0;
  return (
    <li className={styles.signal} data-light={light}>
      <Icon size={20} aria-hidden className={styles.icon} />
      <div className="grow">
        <div className={styles.line}>
          <strong>{TITLES[signal]}</strong>
          {facts && arrived && <span className={styles.count}>{formatShort(facts.accepted)} accepted</span>}
          {facts && facts.refused > 0 && <span className="badge warn">{formatCount(facts.refused)} refused</span>}
        </div>
        <div role="status" className="muted">
          {!arrived && light === "grey" && "waiting for the first one"}
          {!arrived && light === "amber" && "arrived, but was refused: see below"}
          {arrived && lastSeen(facts?.last_received_unix_milli ?? 0, status?.now_unix_milli ?? 0)}
          {arrived && arrivals.length === 0 && facts && facts.services.length > 0 && (
            <> from {facts.services.slice(0, MAX_SERVICES).join(", ")}</>
          )}
        </div>
        {arrivals.length > 0 && <Arrivals signal={signal} arrivals={arrivals} />}
        {arrived && <OpenLink signal={signal} />}
      </div>
    </li>
  );
}

function lastSeen(unixMilli: number, nowMilli: number): string {
  return nowMilli - unixMilli < 1000 ? "just now" : `last ${formatRelative(unixMilli, nowMilli)}`;
}

/** Each service with its first record, what it is written in, and what is odd about what it sends. */
function Arrivals({ signal, arrivals }: { signal: Signal; arrivals: Arrival[] }) {
  const [all, setAll] = useState(false);
  const { zone } = useTime();
  const odd = (arrival: Arrival) => arrival.warnings.length > 0;
  const sorted = [...arrivals].sort((a, b) => Number(odd(b)) - Number(odd(a)) || b.count - a.count);
  const shown = all ? sorted : sorted.slice(0, MAX_SERVICES);
  return (
    <ul className={styles.arrivals}>
      {shown.map((arrival) => (
        <li key={arrival.service}>
          <span className="ellipsis" title={[arrival.language, arrival.sdk].filter(Boolean).join(", ")}>
            {arrival.service || "(no service.name)"}
            {arrival.language && <span className="faint"> {arrival.language}</span>}
          </span>
          <Example signal={signal} arrival={arrival}>
            {FIRST[signal]} {formatClock(arrival.first_unix_milli, zone)}
          </Example>
          {arrival.warnings.map((warning) => (
            <p key={warning.code} className={styles.warning}>
              {warning.message}
              {warning.fix && <span className="muted">: {warning.fix}</span>}
            </p>
          ))}
        </li>
      ))}
      {sorted.length > MAX_SERVICES && (
        <li>
          <button type="button" className="button quiet small" onClick={() => setAll(!all)}>
            {all ? "fewer" : plural(sorted.length - MAX_SERVICES, "more service")}
          </button>
        </li>
      )}
    </ul>
  );
}

function Example({ signal, arrival, children }: { signal: Signal; arrival: Arrival; children: ReactNode }) {
  const { trace_id: trace, log_id: log, metric } = arrival.example;
  if (signal === "traces" && trace) {
    return (
      <Link to="/traces/$traceId" params={{ traceId: trace }} search={{}}>
        {children}
      </Link>
    );
  }
  if (signal === "logs" && log) {
    return (
      <Link to="/logs" search={{ peek: `log:${log}` }}>
        {children}
      </Link>
    );
  }
  if (signal === "metrics" && metric) {
    return (
      <Link to="/metrics" search={{ q: metric }}>
        {children}
      </Link>
    );
  }
  return <span className="faint">{children}</span>;
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

const PROBLEMS: Record<string, string> = {
  tls_on_plain_port: "TLS on a plain port",
  http_on_grpc_port: "HTTP on the gRPC port",
  grpc_on_http_port: "gRPC on the HTTP port",
  wrong_path: "Wrong path",
  content_type: "Wrong content type",
  encoding: "Unknown compression",
  too_large: "Too large",
  cors_origin: "Page of another origin",
  malformed: "Not valid OTLP",
  token: "Token missing or wrong",
  unavailable: "The server was busy",
};

function RefusalItem({ refusal, now }: { refusal: Turned; now: number }) {
  const from = [refusal.origin ?? refusal.peer, refusal.port && `port ${refusal.port}`].filter(Boolean).join(", ");
  return (
    <li className={styles.refusal}>
      <div className={styles.line}>
        <strong title={refusal.code}>{PROBLEMS[refusal.code] ?? refusal.code}</strong>
        {refusal.signal && <span className="badge">{refusal.signal}</span>}
        <span className="grow" />
        <span className="faint">
          {refusal.count > 1 && `${formatCount(refusal.count)} times, `}
          {formatRelative(refusal.time_unix_milli, now)}
        </span>
      </div>
      <p>
        {refusal.message}
        {from && <span className="faint"> ({from})</span>}
      </p>
      {refusal.fix && <p className={styles.fix}>{refusal.fix}</p>}
    </li>
  );
}
