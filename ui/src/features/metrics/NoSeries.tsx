// A valid query without an answer: names the metrics that do not exist, with similar ones to put in their place.
import { useQuery } from "@tanstack/react-query";
import { fetchMetricNames } from "../../api/prometheus.ts";
import { Empty } from "../../components/States.tsx";
import type { Range } from "../../lib/time/range.ts";
import styles from "./NoSeries.module.css";
import { metricNames, similarNames } from "./similar.ts";

export interface NoSeriesProps {
  query: string;
  range: Range;
  onQuery: (query: string) => void;
}

export function NoSeries({ query, range, onQuery }: NoSeriesProps) {
  const names = useQuery({
    queryKey: ["metric-names", range],
    queryFn: ({ signal }) => fetchMetricNames(range, signal),
  });
  const known = names.data ?? [];
  const missing = names.data ? metricNames(query).filter((name) => !known.includes(name)) : [];
  const needsTwo = /\b(rate|irate|increase|delta)\s*\(/.test(query);
  return (
    <Empty reason="none" title={missing.length > 0 ? "There is no such metric in this range" : "No series match"}>
      {missing.map((name) => (
        <div key={name} className={styles.missing}>
          <p>
            No metric is named <code>{name}</code>.{similarNames(name, known).length > 0 && " Similar ones:"}
          </p>
          <ul className={styles.similar}>
            {similarNames(name, known).map((other) => (
              <li key={other}>
                <button type="button" className="button small" onClick={() => onQuery(query.replaceAll(name, other))}>
                  <code>{other}</code>
                </button>
              </li>
            ))}
          </ul>
        </div>
      ))}
      {missing.length === 0 && (
        <p>
          The metrics of the query exist, but no series has these labels in this range.
          {needsTwo && " A rate needs at least two samples in its window."}
        </p>
      )}
      <button type="button" className="button" onClick={() => onQuery("")}>
        All metrics
      </button>
    </Empty>
  );
}
