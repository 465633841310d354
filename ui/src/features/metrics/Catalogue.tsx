// Every metric that has arrived in this range: type, unit, how many series, how they grew, which rules use it. A row
// opens the metric in a panel; its name goes straight to a query.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { fetchMetricNames, type MetricMetadata } from "../../api/prometheus.ts";
import { fetchCardinality, fetchRuleTexts } from "../../api/promql.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { queryFor } from "../../components/promql-language.ts";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { VirtualRows } from "../../components/VirtualRows.tsx";
import { useKeys } from "../../lib/keys.ts";
import { formatCount, plural } from "../../lib/number.ts";
import { useTime, useView } from "../../lib/view.ts";
import styles from "./Catalogue.module.css";
import { type CatalogueSort, catalogueRows, type MetricRow } from "./catalogue.ts";
import { MetricPeek } from "./MetricPeek.tsx";

export interface CatalogueProps {
  metadata: Readonly<Record<string, MetricMetadata[]>>;
  onQuery: (query: string) => void;
  tools?: ReactNode;
}

const ROW_PX = 30;
const METRICS_MAX = 10_000;

export function Catalogue({ metadata, onQuery, tools }: CatalogueProps) {
  const { range } = useTime();
  const { search, patch } = useView();
  const [text, setText] = useState("");
  const [sort, setSort] = useState<CatalogueSort>("name");
  const [cursor, setCursor] = useState(-1);
  const type = search.type ?? "";
  const names = useQuery({
    queryKey: ["metric-names", range],
    queryFn: ({ signal }) => fetchMetricNames(range, signal),
    placeholderData: keepPreviousData,
  });
  const cardinality = useQuery({
    queryKey: ["cardinality"],
    retry: false,
    queryFn: ({ signal }) => fetchCardinality(METRICS_MAX, signal),
  });
  const rules = useQuery({ queryKey: ["rule-texts"], retry: false, queryFn: ({ signal }) => fetchRuleTexts(signal) });
  const all = useMemo(
    () => catalogueRows(names.data ?? [], metadata, cardinality.data?.metrics ?? [], rules.data ?? []),
    [names.data, metadata, cardinality.data, rules.data],
  );
  const types = useMemo(() => [...new Set(all.map((row) => row.type).filter(Boolean))].sort(), [all]);
  const wanted = text.toLowerCase();
  const shown = useMemo(() => {
    const found = all.filter(
      (row) =>
        (row.name.toLowerCase().includes(wanted) || row.help.toLowerCase().includes(wanted)) &&
        (type === "" || (type === "unused" ? row.rules.length === 0 : row.type === type)),
    );
    return sort === "name"
      ? found
      : found.sort((a, b) => (sort === "series" ? b.series - a.series : b.growth - a.growth));
  }, [all, wanted, type, sort]);
  const peeked = search.peek?.startsWith("metric:") ? search.peek.slice(7) : null;
  const open = (name: string | null) => patch({ peek: name ? `metric:${name}` : undefined });
  const move = (step: number) => {
    const next = Math.min(shown.length - 1, Math.max(0, cursor + step));
    setCursor(next);
    const row = shown[next];
    if (peeked && row) open(row.name);
  };
  useKeys("page", "List", [
    { keys: "j", label: "Next row", run: () => move(1) },
    { keys: "k", label: "Previous row", run: () => move(-1) },
    { keys: "Space", label: "Look at the metric", run: () => shown[cursor] && open(shown[cursor].name) },
    {
      keys: "Enter",
      label: "Query the metric",
      run: () => shown[cursor] && onQuery(queryFor(shown[cursor].name, shown[cursor].type)),
    },
  ]);
  if (names.isPending) return <Skeleton rows={12} />;
  if (names.error) return <ErrorBox error={names.error} onRetry={() => void names.refetch()} />;
  if (names.data.length === 0) return <NothingFound signal="metrics" query="" onQuery={onQuery} />;
  const most = Math.max(1, ...all.map((row) => row.series));
  return (
    <>
      <div className={styles.tools}>
        <FilterBox label="Filter metrics" placeholder="Filter metrics" value={text} onChange={setText} />
        <select
          className="input"
          aria-label="Type"
          value={type}
          onChange={(event) => patch({ type: event.target.value || undefined }, { replace: true })}
        >
          <option value="">all types</option>
          {types.map((each) => (
            <option key={each}>{each}</option>
          ))}
          <option value="unused">in no rule</option>
        </select>
        <select
          className="input"
          aria-label="Order"
          value={sort}
          onChange={(event) => setSort(event.target.value as CatalogueSort)}
        >
          <option value="name">by name</option>
          <option value="series">most series first</option>
          <option value="growth">grown most in an hour</option>
        </select>
        <span className="faint">
          {plural(shown.length, "metric")}
          {cardinality.data && `, ${formatCount(cardinality.data.series)} series in all`}
        </span>
        {tools}
      </div>
      <div className={styles.body}>
        <VirtualRows
          role="grid"
          label="Metrics"
          count={shown.length}
          rowHeight={ROW_PX}
          headerHeight={26}
          className={styles.list}
          header={
            <div className={styles.header} role="row">
              {["Metric", "Type", "Unit", "Series", "In an hour", "Rules", "Help"].map((title) => (
                <span key={title} role="columnheader" className={/Series|hour|Rules/.test(title) ? "number" : ""}>
                  {title}
                </span>
              ))}
            </div>
          }
          renderRow={(index) => {
            const row = shown[index];
            return row ? (
              <Row
                key={row.name}
                row={row}
                index={index}
                most={most}
                current={index === cursor || row.name === peeked}
                onOpen={() => {
                  setCursor(index);
                  open(row.name === peeked ? null : row.name);
                }}
                onQuery={() => onQuery(queryFor(row.name, row.type))}
              />
            ) : null;
          }}
        />
        {peeked && (
          <MetricPeek
            key={peeked}
            name={peeked}
            row={all.find((row) => row.name === peeked) ?? null}
            onClose={() => open(null)}
            onQuery={onQuery}
          />
        )}
      </div>
    </>
  );
}

interface RowProps {
  row: MetricRow;
  index: number;
  most: number;
  current: boolean;
  onOpen: () => void;
  onQuery: () => void;
}

function Row({ row, index, most, current, onOpen, onQuery }: RowProps) {
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={current}
      className={styles.row}
      onClick={() => getSelection()?.toString().trim() === "" && onOpen()}
      onKeyDown={(event) => event.key === "Enter" && onQuery()}
    >
      <span role="gridcell" className="ellipsis">
        <button
          type="button"
          className={styles.name}
          title={`Query ${row.name}`}
          onClick={(event) => {
            event.stopPropagation();
            onQuery();
          }}
        >
          {row.name}
        </button>
      </span>
      <span role="gridcell" className="muted">
        {row.type}
      </span>
      <span role="gridcell" className="muted ellipsis">
        {row.unit}
      </span>
      <span role="gridcell" className={styles.series}>
        <i style={{ width: `${(row.series / most) * 100}%` }} />
        <span>{row.series > 0 ? formatCount(row.series) : "\u2013"}</span>
      </span>
      <span
        role="gridcell"
        className={`number ${row.growth > row.series * 0.2 && row.growth > 50 ? styles.grown : "faint"}`}
      >
        {row.growth === 0 ? "" : row.growth > 0 ? `+${formatCount(row.growth)}` : `\u2212${formatCount(-row.growth)}`}
      </span>
      <span role="gridcell" className="number muted" title={row.rules.join(", ")}>
        {row.rules.length > 0 ? row.rules.length : ""}
      </span>
      <span role="gridcell" className="muted ellipsis" title={row.help}>
        {row.help}
      </span>
    </div>
  );
}
