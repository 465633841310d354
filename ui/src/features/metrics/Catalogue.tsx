// Every metric that has arrived in this range, with its type, unit and help; a click shows it.
import { useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useState } from "react";
import { fetchMetricNames, type MetricMetadata } from "../../api/prometheus.ts";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { VirtualRows } from "../../components/VirtualRows.tsx";
import { plural } from "../../lib/number.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Catalogue.module.css";
import { queryFor } from "./promql.ts";

export interface CatalogueProps {
  metadata: Readonly<Record<string, MetricMetadata[]>>;
  onQuery: (query: string) => void;
}

const ROW_PX = 30;

export function Catalogue({ metadata, onQuery }: CatalogueProps) {
  const { range } = useTime();
  const [text, setText] = useState("");
  const names = useQuery({
    queryKey: ["metric-names", range],
    queryFn: ({ signal }) => fetchMetricNames(range, signal),
  });
  if (names.isPending) return <Skeleton rows={12} />;
  if (names.error) return <ErrorBox error={names.error} onRetry={() => void names.refetch()} />;
  if (names.data.length === 0) return <NothingFound signal="metrics" query="" onQuery={onQuery} />;
  const wanted = text.toLowerCase();
  const shown = names.data.filter(
    (name) => name.toLowerCase().includes(wanted) || describe(metadata, name).help.toLowerCase().includes(wanted),
  );
  return (
    <>
      <div className={styles.tools}>
        <label className={styles.filter}>
          <Search size={13} aria-hidden />
          <input
            value={text}
            placeholder="Filter metrics"
            aria-label="Filter metrics"
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <span className="faint">{plural(shown.length, "metric")}</span>
      </div>
      <VirtualRows
        role="list"
        label="Metrics"
        count={shown.length}
        rowHeight={ROW_PX}
        className={styles.list}
        header={
          <div className={styles.header}>
            <span>Metric</span>
            <span>Type</span>
            <span>Unit</span>
            <span>Help</span>
          </div>
        }
        renderRow={(index) => {
          const name = shown[index] ?? "";
          const { type, unit, help } = describe(metadata, name);
          return (
            <button key={name} type="button" className={styles.row} onClick={() => onQuery(queryFor(name, type))}>
              <span className={styles.name}>{name}</span>
              <span className="muted">{type}</span>
              <span className="muted">{unit}</span>
              <span className="faint ellipsis">{help}</span>
            </button>
          );
        }}
      />
    </>
  );
}

/** Metadata of histograms stands under the base name. */
function describe(metadata: CatalogueProps["metadata"], name: string): MetricMetadata {
  const found = metadata[name] ?? metadata[name.replace(/_(bucket|count|sum|total)$/, "")];
  return found?.[0] ?? { type: "", help: "", unit: "" };
}
