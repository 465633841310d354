// Who spent the budget: bad events by a label, or by an attribute of the records.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { fetchFields } from "../../api/fields.ts";
import { fetchLabelNames } from "../../api/prometheus.ts";
import { fetchSpent, type Slo, type SloGroup } from "../../api/slos.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { ShareBar } from "../../components/ShareBar.tsx";
import { Empty } from "../../components/States.tsx";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { useView } from "../../lib/view.ts";
import styles from "./Slos.module.css";
import { knownRange } from "./SlosPage.tsx";

const ROWS_MAX = 12;
const NAMES_MAX = 100;
const FIRST = ["route", "http_route", "http.route", "endpoint", "operation", "name", "service", "instance", "status"];

export function Spent({ slo, group }: { slo: Slo; group: SloGroup }) {
  const { search, patch } = useView();
  const known = knownRange(group);
  const names = useQuery({
    queryKey: ["slo-labels", slo.id, slo.indicator, known.toMilli],
    queryFn: ({ signal }) => labelsOf(slo, known, signal),
    placeholderData: keepPreviousData,
  });
  const all = names.data ?? [];
  const by = search.metric ?? FIRST.find((name) => all.includes(name)) ?? all[0] ?? "";
  const queryKey = ["slo-spent", slo.id, by, group.time_ms];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchSpent(slo.id, by, signal),
    enabled: by !== "",
    placeholderData: keepPreviousData,
  });
  return (
    <section className={styles.section} aria-label="Who spent it">
      <header>
        <h3>Who spent it</h3>
        <span className="grow" />
        <select
          className="input"
          aria-label="By"
          value={by}
          onChange={(event) => patch({ metric: event.target.value })}
        >
          {(all.includes(by) || by === "" ? all : [by, ...all]).map((name) => (
            <option key={name} value={name}>
              by {name}
            </option>
          ))}
        </select>
      </header>
      {names.data && all.length === 0 ? (
        <Empty reason="none" title="What is counted has no labels" />
      ) : (
        <QueryState
          result={result}
          queryKey={queryKey}
          rows={5}
          isEmpty={(rows) => rows.every((row) => row.bad === 0)}
          empty={<Empty reason="none" title="Nothing was bad in the window" />}
        >
          {(rows) => (
            <table className="table">
              <thead>
                <tr>
                  <th>{by}</th>
                  <th className="number">Bad</th>
                  <th className="number">of all</th>
                  <th>Share of what was spent</th>
                </tr>
              </thead>
              <tbody>
                {rows.slice(0, ROWS_MAX).map((row) => (
                  <tr key={row.value}>
                    <td className={styles.value} title={row.value}>
                      {row.value || <span className="faint">(none)</span>}
                    </td>
                    <td className="number">{formatCount(Math.round(row.bad))}</td>
                    <td className="number muted">{formatPercent(row.total > 0 ? row.bad / row.total : 0)}</td>
                    <td>
                      <ShareBar share={row.share} tone="bad">
                        {formatPercent(row.share)}
                      </ShareBar>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </QueryState>
      )}
      {(result.data?.length ?? 0) > ROWS_MAX && (
        <p className={styles.pad}>
          {ROWS_MAX} of {formatCount(result.data?.length ?? 0)} values
        </p>
      )}
    </section>
  );
}

/** Names by which it can be broken down. */
async function labelsOf({ indicator }: Slo, range: { fromMilli: number; toMilli: number }, signal: AbortSignal) {
  if (indicator?.kind === "events") {
    const { value } = await fetchFields(indicator.signal, range, signal);
    const known = value.fields
      .filter(({ name }) => !/^(trace_id|span_id|parent_span_id|body|duration)$/.test(name))
      .sort((a, b) => b.count - a.count)
      .map(({ name }) => name);
    // A name can stand in resources and in records.
    return [...new Set(known)].slice(0, NAMES_MAX);
  }
  const selector =
    indicator?.kind === "ratio"
      ? indicator.total[0]
      : indicator?.kind === "latency"
        ? indicator.histogram.replace(/^([\w:]+)/, "$1_bucket")
        : indicator?.metric;
  if (!selector) return [];
  const names = await fetchLabelNames(selector, range, signal);
  return names.filter((name) => name !== "__name__" && name !== "le");
}
