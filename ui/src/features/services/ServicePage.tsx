// One service: who it is, its figures, and behind tabs what it does, needs, stores, breaks and says.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { FileText, GitFork, Network, Split } from "lucide-react";
import { fetchServices } from "../../api/services.ts";
import { RefreshBar } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { Tile } from "../../components/Tile.tsx";
import { serviceColour } from "../../lib/colour.ts";
import { errorTone } from "../../lib/error-share.ts";
import { term } from "../../lib/filter.ts";
import { useKeys } from "../../lib/keys.ts";
import { formatPercent, formatRate, plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { IDENTITY_QUERY, type Identity, identities, useAnalysis } from "./queries.ts";
import styles from "./Service.module.css";
import { AlertsTab } from "./tabs/AlertsTab.tsx";
import { DatabaseTab } from "./tabs/DatabaseTab.tsx";
import { DependenciesTab } from "./tabs/DependenciesTab.tsx";
import { ErrorsTab } from "./tabs/ErrorsTab.tsx";
import { LogsTab } from "./tabs/LogsTab.tsx";
import { OperationsTab } from "./tabs/OperationsTab.tsx";
import { OverviewTab } from "./tabs/OverviewTab.tsx";
import { RuntimeTab } from "./tabs/RuntimeTab.tsx";
import { SlosTab } from "./tabs/SlosTab.tsx";

const TABS = [
  { id: "overview", title: "Overview", show: OverviewTab },
  { id: "operations", title: "Operations", show: OperationsTab },
  { id: "dependencies", title: "Dependencies", show: DependenciesTab },
  { id: "database", title: "Database", show: DatabaseTab },
  { id: "errors", title: "Errors", show: ErrorsTab },
  { id: "logs", title: "Log patterns", show: LogsTab },
  { id: "runtime", title: "Runtime", show: RuntimeTab },
  { id: "slos", title: "SLOs", show: SlosTab },
  { id: "alerts", title: "Alerts", show: AlertsTab },
] as const;
type TabId = (typeof TABS)[number]["id"];

export function ServicePage() {
  const { name = "" } = useParams({ strict: false });
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const navigate = useNavigate();
  const timeSearch = useTimeSearch();
  const services = useQuery({
    queryKey: ["services", range],
    queryFn: ({ signal }) => fetchServices(range, signal),
    placeholderData: keepPreviousData,
  });
  const identity = useAnalysis("traces", `${term("service", name)} ${IDENTITY_QUERY}`, range);
  const figures = services.data?.value.services.find((candidate) => candidate.name === name);
  const tab = TABS.find((each) => each.id === search.tab) ?? TABS[0];
  useReport({
    asOfMilli,
    elapsedMs: services.data?.elapsedMs ?? null,
    rowsScanned: services.data?.value.stats?.rows_scanned ?? null,
    partial: services.data?.value.partial?.reason ?? null,
    notes: [],
    busy: services.isFetching,
  });
  const open = (id: TabId) => patch({ tab: id === "overview" ? undefined : id, sort: undefined });
  useKeys("page", "Service", [
    ...TABS.map((each, index) => ({ keys: String(index + 1), label: each.title, run: () => open(each.id) })),
    {
      keys: "v",
      label: "Traces of the service",
      run: () => void navigate({ to: "/traces", search: { ...timeSearch, q: term("service", name) } }),
    },
  ]);
  const Shown = tab.show;
  return (
    <>
      <div className={styles.head}>
        <RefreshBar busy={services.isFetching && services.data !== undefined} />
        <Who name={name} identity={identities(identity.data?.value.table).get(name)} />
        <div className={styles.tiles}>
          <Tile name="Rate" value={figures ? formatRate(figures.rate_per_s) : "–"} />
          <Tile
            name="Errors"
            value={figures ? formatPercent(figures.error_ratio) : "–"}
            tone={errorTone(figures?.error_ratio ?? 0)}
          />
          <Tile name="p50" value={figures ? formatDuration(figures.p50_nanos) : "–"} />
          <Tile name="p95" value={figures ? formatDuration(figures.p95_nanos) : "–"} />
          <Tile name="p99" value={figures ? formatDuration(figures.p99_nanos) : "–"} />
        </div>
        <div className={styles.links}>
          <Link to="/traces" search={{ ...timeSearch, q: term("service", name) }} className="button">
            <GitFork size={14} aria-hidden /> Traces
          </Link>
          <Link to="/logs" search={{ ...timeSearch, q: term("service", name) }} className="button">
            <FileText size={14} aria-hidden /> Logs
          </Link>
          <Link to="/map" search={{ ...timeSearch, focus: name }} className="button">
            <Network size={14} aria-hidden /> Map
          </Link>
          <Link
            to="/explain"
            search={{ ...timeSearch, q: term("service", name), select: "status:error" }}
            className="button"
          >
            <Split size={14} aria-hidden /> Explain errors
          </Link>
        </div>
      </div>
      <Tabs label="Parts of the service" tabs={TABS} current={tab.id} onChange={open} />
      <div className={styles.body}>
        <Shown service={name} range={range} />
      </div>
    </>
  );
}

const SHOWN_VERSIONS = 3;

function Who({ name, identity }: { name: string; identity: Identity | undefined }) {
  const facts = identity
    ? [
        ...identity.namespaces,
        ...identity.environments,
        identity.languages
          .map((language, index) => [language, identity.sdk[index]].filter(Boolean).join(" "))
          .join(", "),
        identity.instances > 0 ? plural(identity.instances, "instance") : "",
      ].filter(Boolean)
    : [];
  const more = (identity?.versions.length ?? 0) - SHOWN_VERSIONS;
  return (
    <div className={styles.who}>
      <div className={styles.name}>
        <i style={{ background: serviceColour(name) }} />
        <h2 className="ellipsis" title={name}>
          {name}
        </h2>
        {identity?.versions.slice(0, SHOWN_VERSIONS).map((version) => (
          <span key={version} className="badge" title="service.version">
            {version}
          </span>
        ))}
        {more > 0 && <span className="badge">and {more} more</span>}
      </div>
      <div className={`ellipsis faint ${styles.facts}`}>{facts.length > 0 ? facts.join(" · ") : "\u00a0"}</div>
    </div>
  );
}
