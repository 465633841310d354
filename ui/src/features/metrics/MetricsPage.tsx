// Metrics: a PromQL query as a graph or as a table; without a query, the catalogue of metrics.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Play, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { fetchMetadata, type QueryResult, queryInstant, queryRange } from "../../api/prometheus.ts";
import { QueryInput, type QueryInputHandle } from "../../components/QueryInput.tsx";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { useTime, useView } from "../../lib/view.ts";
import { Catalogue } from "./Catalogue.tsx";
import styles from "./MetricsPage.module.css";
import { NoSeries } from "./NoSeries.tsx";
import { highlightPromql, promqlCompleter } from "./promql.ts";
import { RangeGraph } from "./RangeGraph.tsx";
import { autoStep, parseStep } from "./step.ts";
import { VectorTable } from "./VectorTable.tsx";

export function MetricsPage() {
  const { search, patch } = useView();
  const { range, zone, setRange, asOfMilli } = useTime();
  const q = search.q ?? "";
  const tab = search.tab === "table" ? "table" : "graph";
  const [draft, setDraft] = useState(q);
  const input = useRef<QueryInputHandle>(null);
  useEffect(() => setDraft(q), [q]);
  useKeys("page", "Query", [{ keys: "/", label: "Focus the query", run: () => input.current?.focus() }]);
  const metadata = useQuery({ queryKey: ["metadata"], queryFn: ({ signal }) => fetchMetadata(signal), retry: false });
  const complete = useMemo(() => promqlCompleter({ range, metadata: metadata.data ?? {} }), [range, metadata.data]);
  const step = parseStep(search.step) ?? autoStep(range);
  const graph = useQuery({
    queryKey: ["query-range", q, range, step],
    enabled: q !== "" && tab === "graph",
    queryFn: ({ signal }) => queryRange(q, range, step, signal),
    placeholderData: keepPreviousData,
  });
  const instant = useQuery({
    queryKey: ["query", q, range.toMilli],
    enabled: q !== "" && tab === "table",
    queryFn: ({ signal }) => queryInstant(q, range.toMilli, signal),
    placeholderData: keepPreviousData,
  });
  const active = tab === "graph" ? graph : instant;
  const result = active.data?.value;
  useReport({
    asOfMilli: q ? asOfMilli : null,
    elapsedMs: active.data?.elapsedMs ?? null,
    rowsScanned: null,
    partial: null,
    notes:
      q && result
        ? [
            plural(result.series.length, "series").replace("seriess", "series"),
            ...(tab === "graph" ? [`step ${step} s`] : []),
          ]
        : [],
    busy: active.isFetching,
  });
  const run = (text: string) => patch({ q: text.trim() || undefined });
  const errorAt = q && active.error instanceof ApiError ? active.error.facts.position : undefined;
  return (
    <>
      <search className={styles.bar}>
        <QueryInput
          ref={input}
          value={draft}
          onChange={setDraft}
          onRun={run}
          label="PromQL query"
          placeholder="sum by (service_name) (rate(http_requests_total[5m]))"
          highlight={highlightPromql}
          complete={complete}
          errorAt={draft === q ? errorAt : undefined}
          leading={<span className={styles.lead}>PromQL</span>}
        />
        {draft !== "" && (
          <button
            type="button"
            className="button quiet icon"
            aria-label="Clear the query"
            title="Clear the query"
            onClick={() => run("")}
          >
            <X size={14} aria-hidden />
          </button>
        )}
        <button type="button" className="button primary" onClick={() => run(draft)}>
          <Play size={13} aria-hidden /> Run
        </button>
      </search>
      {q === "" && <Catalogue metadata={metadata.data ?? {}} onQuery={run} />}
      {q !== "" && (
        <>
          <Tabs
            label="Result"
            current={tab}
            onChange={(next) => patch({ tab: next === "graph" ? undefined : next })}
            tabs={[
              { id: "graph", title: "Graph" },
              { id: "table", title: "Table" },
            ]}
          >
            {tab === "graph" && (
              <StepSelect value={search.step} auto={autoStep(range)} onChange={(next) => patch({ step: next })} />
            )}
          </Tabs>
          {active.error && <ErrorBox error={active.error} query={q} onRetry={() => void active.refetch()} />}
          {result && result.warnings.length > 0 && !active.error && <Warnings result={result} />}
          {active.isPending && !active.error && <Skeleton rows={10} />}
          {result && !active.error && result.series.length === 0 && result.text === null && (
            <NoSeries query={q} range={range} onQuery={run} />
          )}
          {tab === "graph" && result && result.series.length > 0 && !active.error && (
            <RangeGraph result={result} query={q} range={range} stepSeconds={step} zone={zone} onSelect={setRange} />
          )}
          {tab === "table" && result && !active.error && (result.series.length > 0 || result.text !== null) && (
            <VectorTable result={result} query={q} onQuery={run} />
          )}
        </>
      )}
    </>
  );
}

function StepSelect({
  value,
  auto,
  onChange,
}: {
  value: string | undefined;
  auto: number;
  onChange: (step: string | undefined) => void;
}) {
  return (
    <label className={styles.step}>
      <span className="faint">Step</span>
      <select
        className="input"
        value={value ?? ""}
        aria-label="Step"
        onChange={(event) => onChange(event.target.value || undefined)}
      >
        <option value="">auto ({auto} s)</option>
        {["5s", "15s", "30s", "1m", "5m", "15m", "1h"].map((step) => (
          <option key={step} value={step}>
            {step}
          </option>
        ))}
      </select>
    </label>
  );
}

function Warnings({ result }: { result: QueryResult }) {
  return (
    <ul className={styles.warnings} role="status">
      {result.warnings.map((warning) => (
        <li key={warning}>{warning}</li>
      ))}
    </ul>
  );
}
