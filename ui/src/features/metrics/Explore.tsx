// One to ten queries over the same time. What is shown is in the URL; a formula uses the other queries by their names.
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { type MetricMetadata, queryInstant, queryRange } from "../../api/prometheus.ts";
import { NothingFound } from "../../components/NothingFound.tsx";
import { promqlCompleter } from "../../components/promql-language.ts";
import type { QueryInputHandle } from "../../components/QueryInput.tsx";
import { ErrorBox, RefreshBar, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { useKeptQueries } from "../../lib/kept-queries.ts";
import { useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { ExplainTree } from "./ExplainTree.tsx";
import { ExploreTools } from "./ExploreTools.tsx";
import { HeatTab } from "./HeatTab.tsx";
import { type Answer, LINES_LIMIT, LINES_MAX } from "./lines.ts";
import styles from "./MetricsPage.module.css";
import { QueryRow } from "./QueryRow.tsx";
import { expand, isFormula, nextName, type Query, readQueries, writeQueries } from "./queries.ts";
import { RangeGraph } from "./RangeGraph.tsx";
import { autoStep, parseStep } from "./step.ts";
import { VectorTable } from "./VectorTable.tsx";

const TABS = ["graph", "table", "heat", "explain"] as const;
type TabId = (typeof TABS)[number];
const TITLES: Record<TabId, string> = { graph: "Graph", table: "Table", heat: "Heat map", explain: "Explain" };

export function Explore({ metadata }: { metadata: Readonly<Record<string, MetricMetadata[]>> }) {
  const { search, patch } = useView();
  const { range, zone, setRange, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  const input = useRef<QueryInputHandle>(null);
  const queries = useMemo(() => readQueries(search), [search]);
  const tab: TabId = TABS.find((id) => id === search.tab) ?? "graph";
  const step = parseStep(search.step) ?? autoStep(range);
  const shift = parseStep(search.prev) ?? 0;
  const complete = useMemo(() => promqlCompleter({ range, metadata }), [range, metadata]);
  const set = (next: readonly Query[]) => patch(writeQueries(next));
  const change = (query: Query) => set(queries.map((each) => (each.name === query.name ? query : each)));
  const texts = queries.map((query) => expand(query, queries));
  const asked = queries.map((query, at) => query.shown && texts[at] !== null && texts[at] !== "");
  useKeys("page", "Query", [{ keys: "/", label: "Focus the query", run: () => input.current?.focus() }]);

  const ranged = tab === "graph" || tab === "heat";
  const [max, setMax] = useState(LINES_MAX);
  // A heat map counts every value, a graph needs those that can be seen.
  const how = tab === "heat" ? { maxSeries: LINES_LIMIT, whole: true } : { maxSeries: max };
  const now = useKeptQueries(
    queries.map(({ name }, at) => ({
      queryKey: ranged ? ["query-range", texts[at], range, step, how] : ["query", texts[at], range.toMilli],
      enabled: asked[at] === true && tab !== "explain",
      retry: false,
      like: `${name} ${tab}`,
      queryFn: ({ signal }) =>
        ranged
          ? queryRange(texts[at] ?? "", range, step, signal, how)
          : queryInstant(texts[at] ?? "", range.toMilli, signal),
    })),
  );
  const earlier = { fromMilli: range.fromMilli - shift * 1000, toMilli: range.toMilli - shift * 1000 };
  const before = useKeptQueries(
    queries.map(({ name }, at) => ({
      queryKey: ["query-range", texts[at], earlier, step, how],
      enabled: asked[at] === true && tab === "graph" && shift > 0,
      retry: false,
      like: `${name} ${shift}`,
      queryFn: ({ signal }) => queryRange(texts[at] ?? "", earlier, step, signal, how),
    })),
  );
  const signature = [...now, ...before].map((each) => each.dataUpdatedAt).join(",");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for the answers
  const answers = useMemo(
    () =>
      queries.flatMap((query, at): Answer[] => {
        const result = now[at]?.data?.value;
        if (!asked[at] || !result) return [];
        const old = shift > 0 ? (before[at]?.data?.value ?? null) : null;
        return [{ name: query.name, legend: query.legend, result, before: old }];
      }),
    [queries, signature, shift, asked.join()],
  );
  const total = answers.reduce((sum, { result }) => sum + (result.total ?? result.series.length), 0);
  const slowest = Math.max(0, ...now.map((each) => each.data?.elapsedMs ?? 0));
  const busy = now.some((each) => each.isFetching);
  const first = queries.findIndex((_, at) => asked[at]);
  useReport({
    asOfMilli: first >= 0 ? asOfMilli : null,
    elapsedMs: slowest || null,
    rowsScanned: null,
    partial: null,
    notes:
      total > 0 ? [plural(total, "series").replace("seriess", "series"), ...(ranged ? [`step ${step} s`] : [])] : [],
    busy,
  });
  const free = nextName(queries);
  const warnings = [...new Set(answers.flatMap((answer) => answer.result.warnings))];
  const failed = queries.flatMap((query, at) => {
    const error = now[at]?.error;
    return asked[at] && error ? [{ query, error, text: texts[at] ?? "" }] : [];
  });
  const formulaProblem = queries.find((query, at) => texts[at] === null && isFormula(query.text));
  const waiting = first >= 0 && answers.length === 0 && failed.length === 0;
  const firstText = texts[first] ?? "";
  return (
    <>
      <div className={styles.queries}>
        {queries.map((query, at) => (
          <QueryRow
            key={query.name}
            query={query}
            alone={queries.length === 1}
            error={now[at]?.error ?? null}
            complete={complete}
            onChange={change}
            onRemove={() => set(queries.filter((each) => each.name !== query.name))}
            {...(at === 0 ? { inputRef: input } : {})}
          />
        ))}
        <div className={styles.more}>
          <button
            type="button"
            className="button small"
            disabled={free === null}
            title={free === null ? "Ten queries are the most" : "Another query, or a formula over the others"}
            onClick={() => free && set([...queries, { name: free, text: "", legend: "", shown: true }])}
          >
            <Plus size={12} aria-hidden /> Query
          </button>
          <Link to="/metrics" search={timeSearch} className="button quiet small">
            All metrics
          </Link>
          {formulaProblem && (
            <span className={styles.problem} role="alert">
              {formulaProblem.name} uses a query that does not exist, or itself
            </span>
          )}
        </div>
      </div>
      <Tabs
        label="Result"
        current={tab}
        onChange={(next) => patch({ tab: next === "graph" ? undefined : next })}
        tabs={TABS.map((id) => ({ id, title: TITLES[id] }))}
      >
        <ExploreTools tab={tab} range={range} answers={answers} texts={texts} />
      </Tabs>
      <RefreshBar busy={busy && answers.length > 0} />
      {failed.map(({ query, error, text }) => (
        <ErrorBox
          key={query.name}
          error={error}
          query={text}
          onRetry={() => void now[queries.indexOf(query)]?.refetch()}
        />
      ))}
      {warnings.length > 0 && (
        <ul className={styles.warnings} role="status">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {first < 0 && <p className={styles.hint}>Write a query above, or choose a metric from the catalogue.</p>}
      {waiting && tab !== "explain" && <Skeleton shape={tab === "graph" ? "chart" : "rows"} rows={10} />}
      {tab === "explain" && first >= 0 && (
        <ExplainTree
          query={firstText}
          atMilli={range.toMilli}
          onQuery={(text) => patch({ ...writeQueries([{ name: "A", text, legend: "", shown: true }]), tab: undefined })}
        />
      )}
      {tab !== "explain" &&
        answers.length > 0 &&
        total === 0 &&
        answers.every((answer) => answer.result.text === null) && (
          <NothingFound
            signal="metrics"
            query={firstText}
            onQuery={(text) => change({ ...(queries[first] as Query), text })}
          />
        )}
      {tab === "graph" && total > 0 && (
        <RangeGraph
          answers={answers}
          texts={queries.map((query, at) => ({ name: query.name, text: texts[at] ?? "" }))}
          range={range}
          stepSeconds={step}
          shiftSeconds={shift}
          mode={search.mode}
          logY={search.log === "1"}
          max={max}
          onMax={setMax}
          zone={zone}
          onSelect={setRange}
        />
      )}
      {tab === "heat" && answers[0] && total > 0 && (
        <HeatTab answer={answers[0]} range={range} stepSeconds={step} text={firstText} />
      )}
      {tab === "table" &&
        answers.map((answer) => (
          <VectorTable
            key={answer.name}
            result={answer.result}
            query={texts[queries.findIndex((query) => query.name === answer.name)] ?? ""}
            title={answers.length > 1 ? answer.name : null}
            onQuery={(text) => patch({ ...writeQueries([{ name: "A", text, legend: "", shown: true }]) })}
          />
        ))}
    </>
  );
}
