// Data doctor: what of dashboards, rules, and configurations cannot show what it was made for, and what senders get wrong.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RefreshCw, Stethoscope } from "lucide-react";
import { useRef } from "react";
import { FilterBox } from "../../../components/FilterBox.tsx";
import { QueryState } from "../../../components/QueryState.tsx";
import { Empty } from "../../../components/States.tsx";
import { Tile } from "../../../components/Tile.tsx";
import { useKeys } from "../../../lib/keys.ts";
import { formatCount, plural } from "../../../lib/number.ts";
import { useReport } from "../../../lib/report.ts";
import { useTimeSearch, useView } from "../../../lib/view.ts";
import styles from "../Alerts.module.css";
import { AlertsNav } from "../AlertsNav.tsx";
import { FindingList } from "../FindingList.tsx";
import own from "./Doctor.module.css";
import { countsOf, type Examined, examine, type Place, type Severity, shownOf } from "./examine.ts";

const FRESH_MS = 60_000;
const LEAST: readonly { id: Severity; title: string }[] = [
  { id: "info", title: "Everything" },
  { id: "warning", title: "Warnings and errors" },
  { id: "error", title: "Errors only" },
];

export function DoctorPage() {
  const { search, patch } = useView();
  const filter = useRef<HTMLInputElement>(null);
  const withShipped = search.tab === "all";
  const least = LEAST.find(({ id }) => id === search.group)?.id ?? "info";
  const q = search.q ?? "";
  const queryKey = ["doctor", withShipped];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => examine(withShipped, signal),
    staleTime: FRESH_MS,
    placeholderData: keepPreviousData,
  });
  useReport({
    asOfMilli: null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: result.data ? [`${plural(result.data.examined.length, "thing")} looked at`] : [],
    busy: result.isFetching,
  });
  useKeys("page", "List", [{ keys: "/", label: "Filter the findings", run: () => filter.current?.focus() }]);
  return (
    <>
      <AlertsNav />
      <div className={styles.page}>
        <div className={own.tools}>
          <FilterBox
            ref={filter}
            label="Filter findings"
            placeholder="Filter by name, metric or label (/)"
            value={q}
            onChange={(value) => patch({ q: value || undefined }, { replace: true })}
          />
          <select
            className="input"
            aria-label="How bad"
            value={least}
            onChange={(event) => patch({ group: event.target.value === "info" ? undefined : event.target.value })}
          >
            {LEAST.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
          <label className={own.check}>
            <input
              type="checkbox"
              checked={withShipped}
              onChange={() => patch({ tab: withShipped ? undefined : "all" })}
            />
            also the dashboards that came with Bellrock
          </label>
          <span className="grow" />
          <button type="button" className="button" disabled={result.isFetching} onClick={() => void result.refetch()}>
            <RefreshCw size={14} aria-hidden /> Look again
          </button>
        </div>
        <QueryState result={result} queryKey={queryKey} rows={8}>
          {({ examined, problems }) => {
            const counts = countsOf(examined);
            const shown = shownOf(examined, least, q);
            return (
              <div className={own.stack}>
                <div className={own.tiles}>
                  <Tile name="Errors" value={formatCount(counts.error)} tone={counts.error > 0 ? "bad" : "plain"} />
                  <Tile
                    name="Warnings"
                    value={formatCount(counts.warning)}
                    tone={counts.warning > 0 ? "warn" : "plain"}
                  />
                  <Tile name="Hints" value={formatCount(counts.info)} />
                  <Tile
                    name="Looked at"
                    value={formatCount(examined.length)}
                    note="against the data of the last hour"
                  />
                </div>
                {problems.map((problem) => (
                  <p key={problem} className={styles.problem}>
                    Not looked at: {problem}
                  </p>
                ))}
                {shown.length === 0 ? (
                  <Empty
                    reason="none"
                    title={q || least !== "info" ? "Nothing of this kind was found" : "Nothing is wrong"}
                  >
                    <p>
                      {examined.length === 0
                        ? "There are no dashboards, rules or configurations of yours yet."
                        : "What you made finds the data that it asks for."}
                    </p>
                  </Empty>
                ) : (
                  shown.map((each) => <Card key={`${each.kind} ${each.title}`} examined={each} />)
                )}
              </div>
            );
          }}
        </QueryState>
      </div>
    </>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  dashboard: "dashboard",
  rules: "alerts and recordings",
  alertmanager: "alert manager",
  senders: "what arrives",
};

function Card({ examined }: { examined: Examined }) {
  return (
    <section className={own.card} aria-label={examined.title}>
      <header>
        <Stethoscope size={14} aria-hidden />
        <h2 className="ellipsis">{examined.title}</h2>
        <span className="faint">{KINDS[examined.kind] ?? examined.kind}</span>
        <span className="grow" />
        <OpenLink place={examined.place} />
      </header>
      <FindingList findings={examined.findings} />
    </section>
  );
}

function OpenLink({ place }: { place: Place }) {
  const time = useTimeSearch();
  if (place.to === "/dashboards/$uid") {
    return (
      <Link to={place.to} params={place.params} search={time} className="button small">
        Open
      </Link>
    );
  }
  return (
    <Link to={place.to} search={{}} className="button small">
      Open
    </Link>
  );
}
