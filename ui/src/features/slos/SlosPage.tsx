// All objectives: what is left of each budget, how it burns and where it goes; those in need first.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Download, FileUp, Plus } from "lucide-react";
import { useRef, useState } from "react";
import { exportUrl, fetchHistory, fetchSlos, type Slo, type SloGroup } from "../../api/slos.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { BudgetBar } from "../../components/ShareBar.tsx";
import { SloState, STATE_TONES } from "../../components/SloState.tsx";
import { Sparkline } from "../../components/Sparkline.tsx";
import { Empty } from "../../components/States.tsx";
import {
  type BurnState,
  burnState,
  byNeed,
  formatObjective,
  formatSli,
  formatSpan,
  observed,
  STATE_TITLES,
  STATE_WORDS,
} from "../../lib/budget.ts";
import { useKeptQueries } from "../../lib/kept-queries.ts";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { useTime, useView } from "../../lib/view.ts";
import { Findings } from "./Findings.tsx";
import styles from "./Slos.module.css";

const TRENDS_MAX = 60;
const REFRESH_MS = 60_000;

interface Row {
  slo: Slo;
  group: SloGroup | null;
  state: BurnState;
  left: number;
}

export function SlosPage() {
  const { search, patch } = useView();
  const { asOfMilli } = useTime();
  const navigate = useNavigate();
  const filter = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState(-1);
  const text = (search.q ?? "").toLowerCase();
  const queryKey = ["slos", asOfMilli];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchSlos(signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const all = rowsOf(result.data?.slos ?? []);
  const rows = all.filter(({ slo, group }) =>
    `${slo.title} ${slo.id} ${slo.service} ${Object.values(group?.labels ?? {}).join(" ")}`
      .toLowerCase()
      .includes(text),
  );
  const promises = (result.data?.slos ?? []).filter((slo) => slo.indicator === null);
  useReport({
    asOfMilli,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: [plural(result.data?.slos.length ?? 0, "objective")],
    busy: result.isFetching,
  });
  const move = (step: number) => setCursor(Math.min(rows.length - 1, Math.max(0, cursor + step)));
  const current = rows[cursor];
  useKeys("page", "SLOs", [
    ...rowKeys(move),
    {
      keys: "Enter",
      label: "Open the objective",
      run: () =>
        current &&
        void navigate({ to: "/slos/$id", params: { id: current.slo.id }, search: groupSearch(current.group) }),
    },
    { keys: "/", label: "Filter the list", run: () => filter.current?.focus() },
  ]);
  const count = (state: BurnState) => all.filter((row) => row.state === state).length;
  return (
    <>
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter objectives"
          placeholder="Filter by name or service (/)"
          value={search.q ?? ""}
          onChange={(value) => patch({ q: value || undefined }, { replace: true })}
        />
        {(["critical", "burning", "increasing", "recovering"] as const).map(
          (state) =>
            count(state) > 0 && (
              <span key={state} className={`badge ${STATE_TONES[state]}`} title={STATE_TITLES[state]}>
                {count(state)} {STATE_WORDS[state].toLowerCase()}
              </span>
            ),
        )}
        <span className="grow" />
        <a href={exportUrl()} download="slos.yaml" className="button quiet">
          <Download size={14} aria-hidden /> YAML
        </a>
        <Link to="/slos/new" search={{ tab: "file" }} className="button">
          <FileUp size={14} aria-hidden /> Import
        </Link>
        <Link to="/slos/new" search={{}} className="button primary">
          <Plus size={14} aria-hidden /> New objective
        </Link>
      </div>
      <div className={styles.scroll}>
        <QueryState
          result={result}
          queryKey={queryKey}
          isEmpty={(data) => data.slos.length === 0}
          empty={
            <Empty reason="none" title="No objectives yet">
              <p>
                An objective is a promise, such as 99.9 % of requests succeed over 30 days. What it leaves is the error
                budget: Bellrock says how much of it is left, who spent it, and alerts before it is gone.
              </p>
              <Link to="/slos/new" search={{}} className="button primary">
                New objective
              </Link>
              <Link to="/slos/new" search={{ tab: "file" }} className="button">
                Import a file
              </Link>
            </Empty>
          }
        >
          {(data) => (
            <>
              {promises.length > 0 && <Promises promises={promises} />}
              <Findings findings={data.findings} />
              {rows.length > 0 ? (
                <SloTable rows={rows} cursor={cursor} />
              ) : (
                all.length > 0 && (
                  <Empty reason="filtered" title="No objective matches">
                    <button type="button" className="button" onClick={() => patch({ q: undefined })}>
                      Show all
                    </button>
                  </Empty>
                )
              )}
            </>
          )}
        </QueryState>
      </div>
    </>
  );
}

function rowsOf(slos: readonly Slo[]): Row[] {
  return slos
    .filter((slo) => slo.indicator !== null)
    .flatMap((slo): Row[] => {
      if (slo.groups.length === 0) return [{ slo, group: null, state: "none", left: 1 }];
      return slo.groups.map((group) => ({
        slo,
        group,
        state: burnState(group, slo.tiers),
        left: group.budget.remaining,
      }));
    })
    .sort(byNeed);
}

function groupSearch(group: SloGroup | null): { group?: string } {
  return group && Object.keys(group.labels).length > 0 ? { group: JSON.stringify(group.labels) } : {};
}

function Promises({ promises }: { promises: readonly Slo[] }) {
  return (
    <section className={styles.promises} aria-label="Promises without an indicator">
      <h2>{plural(promises.length, "promise")} to complete: what should be counted?</h2>
      <ul>
        {promises.map((slo) => (
          <li key={slo.id}>
            <strong>{slo.title}</strong>
            <code>{slo.written ?? formatObjective(slo.objective)}</code>
            <span className="muted">over {slo.window}</span>
            <span className="grow" />
            <Link to="/slos/$id" params={{ id: slo.id }} search={{}} className="button small">
              Choose what is counted
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function SloTable({ rows, cursor }: { rows: readonly Row[]; cursor: number }) {
  const trends = useKeptQueries(
    rows.slice(0, TRENDS_MAX).map(({ slo, group }) => ({
      queryKey: ["slo-trend", slo.id, group?.labels, group?.time_ms],
      queryFn: ({ signal }) => fetchHistory(slo.id, group?.labels ?? {}, knownRange(group as SloGroup), signal),
      enabled: group !== null && group.sli !== null,
      staleTime: 60_000,
      like: JSON.stringify([slo.id, group?.labels]),
    })),
  );
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Objective</th>
          <th className="roomy">Service</th>
          <th className="number roomy">Promised</th>
          <th className="number roomy">Now</th>
          <th>Budget left</th>
          <th>State</th>
          <th className="roomy">Trend</th>
          <th className="number roomy">Gone in</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ slo, group, state }, index) => {
          const values = (trends[index]?.data?.points ?? []).map(([, left]) => left);
          return (
            <tr key={`${slo.id} ${JSON.stringify(group?.labels)}`} aria-selected={index === cursor}>
              <td className={styles.what}>
                <Link to="/slos/$id" params={{ id: slo.id }} search={groupSearch(group)} className={styles.name ?? ""}>
                  <strong className="ellipsis">{slo.title}</strong>
                </Link>
                <div className="ellipsis faint">
                  {group && Object.keys(group.labels).length > 0
                    ? Object.entries(group.labels)
                        .map(([name, value]) => `${name}=${value}`)
                        .join(", ")
                    : slo.description || slo.id}
                </div>
              </td>
              <td className="roomy">
                {slo.service ? <ServiceName name={slo.service} /> : <span className="faint">–</span>}
              </td>
              <td className="number roomy">
                {formatObjective(slo.objective)}
                <div className="faint">over {slo.window}</div>
              </td>
              <td className="number roomy">{group?.sli != null ? formatSli(group.sli, slo.objective) : "–"}</td>
              <td className={styles.budget}>
                {slo.error ? (
                  <span className={styles.problem}>{slo.error}</span>
                ) : group ? (
                  <BudgetBar group={group} />
                ) : (
                  <span className="faint">not counted yet</span>
                )}
              </td>
              <td>
                <SloState state={state} />
                {group && observed(group) && <div className={`faint ${styles.small}`}>{observed(group)}</div>}
              </td>
              <td className="roomy">
                {values.length > 1 && (
                  <Sparkline
                    values={values}
                    label={`what was left of the budget, now ${Math.round((group?.budget.remaining ?? 0) * 100)} %`}
                    colour={(group?.budget.remaining ?? 0) > 0 ? "var(--ok)" : "var(--error)"}
                    width={96}
                  />
                )}
              </td>
              <td className="number roomy">{goneIn(group)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** From where anything is known, so that a trend is not one flat line before it. */
export function knownRange(group: SloGroup) {
  const known = group.time_ms - Math.max(0.001, Math.min(1, group.coverage)) * group.length_secs * 1000;
  return { fromMilli: Math.max(group.since_ms, known), toMilli: group.time_ms };
}

function goneIn(group: SloGroup | null): string {
  if (!group || group.sli === null) return "–";
  if (group.budget.remaining <= 0) return "gone";
  return group.exhausted_in_secs === null || group.exhausted_in_secs === 0 ? "–" : formatSpan(group.exhausted_in_secs);
}
