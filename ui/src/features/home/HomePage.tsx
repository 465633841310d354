// Home: is anything wrong? Verdicts, what changed, and the busiest services, on one screen.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { AlertOctagon, ArrowRight, CheckCircle2, CircleDashed, type LucideIcon, TriangleAlert } from "lucide-react";
import { fetchAlerts } from "../../api/alerts.ts";
import { fetchErrors } from "../../api/errors.ts";
import { fetchServices } from "../../api/services.ts";
import { fetchSlos } from "../../api/slos.ts";
import { fetchStatus, SIGNALS, type Status } from "../../api/status.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { Empty } from "../../components/States.tsx";
import { type BurnState, burnState, byNeed } from "../../lib/budget.ts";
import { formatCount, formatPercent, formatRate, plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatDuration, formatRelative } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import styles from "./Home.module.css";
import { compareServices, type News, newErrors, ranked } from "./news.ts";
import { Places } from "./Places.tsx";
import { ServiceCards } from "./ServiceCards.tsx";

const NEWS = 12;
const NEW_ERRORS = 6;
const DAY_MILLI = 86_400_000;

export function HomePage() {
  const { range, asOfMilli } = useTime();
  const queryKey = ["services", range];
  const services = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchServices(range, signal),
    placeholderData: keepPreviousData,
  });
  useReport({
    asOfMilli,
    elapsedMs: services.data?.elapsedMs ?? null,
    rowsScanned: services.data?.value.stats?.rows_scanned ?? null,
    partial: services.data?.value.partial?.reason ?? null,
    notes: [],
    busy: services.isFetching,
  });
  return (
    <div className={styles.page}>
      <div className={styles.verdicts}>
        <AlertsVerdict />
        <SlosVerdict />
        <ServicesVerdict
          bad={(services.data?.value.services ?? []).filter((service) => service.error_ratio >= 0.05)}
          known={services.data !== undefined}
        />
        <IngestVerdict />
      </div>
      <div className={styles.columns}>
        <WhatChanged range={range} />
        <Places />
      </div>
      <section className={styles.section} aria-label="Services">
        <header>
          <h2>Services</h2>
          <span className="faint">the busiest first</span>
          <span className="grow" />
          <Link to="/services" search={useTimeSearch()}>
            All services
          </Link>
        </header>
        <QueryState
          result={services}
          queryKey={queryKey}
          shape="tiles"
          isEmpty={(data) => data.value.services.length === 0}
          empty={<Empty reason="out-of-range" title="No service was called in this range" />}
        >
          {(data) => <ServiceCards services={data.value.services} range={range} />}
        </QueryState>
      </section>
    </div>
  );
}

interface VerdictProps {
  tone: "good" | "warn" | "bad" | "unknown";
  title: string;
  text: string;
  to?: string;
  more?: string;
}

const VERDICT_ICONS: Record<VerdictProps["tone"], LucideIcon> = {
  good: CheckCircle2,
  warn: TriangleAlert,
  bad: AlertOctagon,
  unknown: CircleDashed,
};

function Verdict({ tone, title, text, to, more }: VerdictProps) {
  const Icon = VERDICT_ICONS[tone];
  return (
    <section className={styles.verdict} data-tone={tone} aria-label={title}>
      <Icon size={22} aria-hidden />
      <div className="grow">
        <h2>{title}</h2>
        <p className="muted">{text}</p>
      </div>
      {to && (
        <Link to={to} className={styles.more ?? ""}>
          {more} <ArrowRight size={13} aria-hidden />
        </Link>
      )}
    </section>
  );
}

const SLO_WORRIES = new Set<BurnState>(["critical", "burning", "increasing"]);

function SlosVerdict() {
  const slos = useQuery({
    queryKey: ["slos"],
    queryFn: ({ signal }) => fetchSlos(signal),
    refetchInterval: 30_000,
    retry: false,
  });
  if (slos.error) return <Verdict tone="unknown" title="Objectives" text={`cannot be read: ${slos.error.message}`} />;
  if (!slos.data) return <Verdict tone="unknown" title="Objectives" text="asking" />;
  const groups = slos.data.slos.flatMap((slo) =>
    slo.groups.map((group) => ({ title: slo.title, state: burnState(group, slo.tiers), left: group.budget.remaining })),
  );
  if (groups.length === 0) {
    const text = "promise something, and know when it is at risk";
    return <Verdict tone="unknown" title="No objective yet" text={text} to="/slos" more="SLOs" />;
  }
  const burning = groups.filter(({ state }) => SLO_WORRIES.has(state)).sort(byNeed);
  const spent = groups.filter(({ left }) => left <= 0).length;
  const names = [...new Set(burning.map(({ title }) => title))].slice(0, 3).join(", ");
  const words =
    spent > 0 ? `${plural(spent, "budget")} ${spent === 1 ? "is" : "are"} spent` : "every budget has some left";
  if (burning.length === 0) {
    return (
      <Verdict tone={spent > 0 ? "warn" : "good"} title="No budget burns fast" text={words} to="/slos" more="SLOs" />
    );
  }
  return (
    <Verdict
      tone={burning.some(({ state }) => state === "critical") ? "bad" : "warn"}
      title={`${plural(burning.length, "budget")} burning`}
      text={`${names}; ${words}`}
      to="/slos"
      more="SLOs"
    />
  );
}

function AlertsVerdict() {
  const alerts = useQuery({
    queryKey: ["alerts"],
    queryFn: ({ signal }) => fetchAlerts(signal),
    refetchInterval: 15_000,
  });
  if (alerts.error) return <Verdict tone="unknown" title="Alerts" text={`cannot be read: ${alerts.error.message}`} />;
  if (!alerts.data) return <Verdict tone="unknown" title="Alerts" text="asking" />;
  const firing = alerts.data.filter((alert) => alert.state === "firing");
  const pending = alerts.data.length - firing.length;
  const critical = firing.filter((alert) => alert.labels.severity === "critical").length;
  const names = [...new Set(firing.map((alert) => alert.labels.alertname ?? ""))].slice(0, 3).join(", ");
  if (firing.length === 0) {
    return (
      <Verdict
        tone="good"
        title="No alert is firing"
        text={pending > 0 ? `${plural(pending, "alert")} may soon` : "and none is about to"}
        to="/alerts"
        more="Alerts"
      />
    );
  }
  return (
    <Verdict
      tone={critical > 0 ? "bad" : "warn"}
      title={`${plural(firing.length, "alert")} firing${critical > 0 ? `, ${critical} critical` : ""}`}
      text={names}
      to="/alerts"
      more="Triage"
    />
  );
}

function ServicesVerdict({ bad, known }: { bad: readonly { name: string; error_ratio: number }[]; known: boolean }) {
  if (!known) return <Verdict tone="unknown" title="Services" text="asking" />;
  if (bad.length === 0) return <Verdict tone="good" title="Services answer" text="none has 5 % errors or more" />;
  const worst = [...bad].sort((a, b) => b.error_ratio - a.error_ratio).slice(0, 3);
  return (
    <Verdict
      tone="bad"
      title={`${plural(bad.length, "service")} with 5 % errors or more`}
      text={worst.map((service) => `${service.name} ${formatPercent(service.error_ratio)}`).join(", ")}
      to="/services?sort=error_ratio"
      more="Services"
    />
  );
}

const QUIET_MILLI = 5 * 60_000;

/** What the counters of the server say about what arrives. */
export function ingestVerdict(status: Status): VerdictProps {
  const refused = SIGNALS.reduce((sum, signal) => sum + status.signals[signal].refused, 0);
  const last = Math.max(...SIGNALS.map((signal) => status.signals[signal].last_received_unix_milli ?? 0));
  const silent = last > 0 && status.now_unix_milli - last > QUIET_MILLI;
  const arriving = SIGNALS.filter((signal) => status.signals[signal].accepted > 0);
  if (status.refusals.length > 0) {
    return {
      tone: "warn",
      title: `${formatCount(refused)} refused`,
      text: status.refusals[0]?.message ?? "",
      to: "/start",
      more: "Why",
    };
  }
  if (last === 0)
    return {
      tone: "unknown",
      title: "Nothing has arrived yet",
      text: "since the server started",
      to: "/start",
      more: "Add data",
    };
  if (silent) {
    return {
      tone: "warn",
      title: "Nothing arrives",
      text: `the last came ${formatRelative(last, status.now_unix_milli)}`,
    };
  }
  return { tone: "good", title: "Data arrives", text: arriving.join(", ") };
}

function IngestVerdict() {
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => fetchStatus(signal),
    refetchInterval: 10_000,
  });
  if (status.error) return <Verdict tone="bad" title="The server does not answer" text={status.error.message} />;
  return status.data ? (
    <Verdict {...ingestVerdict(status.data)} />
  ) : (
    <Verdict tone="unknown" title="Ingest" text="asking" />
  );
}

function WhatChanged({ range }: { range: Range }) {
  const timeSearch = useTimeSearch();
  const length = range.toMilli - range.fromMilli;
  const shift = (by: number): Range => ({ fromMilli: range.fromMilli - by, toMilli: range.toMilli - by });
  const services = (of: Range) => ({
    queryKey: ["services", of],
    queryFn: ({ signal }: { signal: AbortSignal }) => fetchServices(of, signal),
    placeholderData: keepPreviousData,
  });
  const now = useQuery(services(range));
  const yesterday = useQuery(services(shift(DAY_MILLI)));
  const before = useQuery(services(shift(length)));
  const errors = useQuery({
    queryKey: ["errors", range, "", "", "count"],
    queryFn: ({ signal }) => fetchErrors({ range, sort: "count", limit: 200 }, signal),
    placeholderData: keepPreviousData,
  });
  const old = yesterday.data?.value.services ?? [];
  const base = old.length > 0 ? old : (before.data?.value.services ?? []);
  const against = old.length > 0 ? "the same time yesterday" : base.length > 0 ? "the window before" : null;
  const words = { duration: formatDuration, percent: formatPercent, rate: formatRate };
  const news = ranked(
    [
      ...compareServices(now.data?.value.services ?? [], base, words),
      ...newErrors(errors.data?.value.errors ?? [], range, NEW_ERRORS),
    ],
    NEWS,
  );
  const pending = now.isPending || yesterday.isPending || before.isPending;
  return (
    <section className={styles.section} aria-label="What changed">
      <header>
        <h2>What changed</h2>
        <span className="faint">
          {against ? `against ${against}` : pending ? "" : "no earlier data to compare with yet; new errors only"}
        </span>
      </header>
      {news.length === 0 && !pending && <p className={styles.calm}>Nothing out of the ordinary.</p>}
      <ul className={styles.news}>
        {news.map((item) => (
          <li key={`${item.kind} ${item.service} ${item.text}`}>
            <Tag news={item} />
            <span className={styles.who}>
              <ServiceName name={item.service} />
            </span>
            {item.id ? (
              <Link
                to="/errors/$group"
                params={{ group: item.id }}
                search={timeSearch}
                className="grow ellipsis"
                title={item.text}
              >
                {item.text}
              </Link>
            ) : (
              <Link
                to="/services/$name"
                params={{ name: item.service }}
                search={timeSearch}
                className="grow ellipsis"
                title={item.text}
              >
                {item.text}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

const TAGS: Record<News["kind"], [string, string]> = {
  errors: ["error", "errors"],
  error: ["error", "new error"],
  latency: ["warn", "latency"],
  rate: ["", "traffic"],
  version: ["ok", "version"],
};

function Tag({ news }: { news: News }) {
  const [tone, name] = TAGS[news.kind];
  return (
    <span className={styles.tag}>
      <span className={`badge ${news.text.includes(" fell ") && news.kind !== "rate" ? "ok" : tone}`}>{name}</span>
    </span>
  );
}
