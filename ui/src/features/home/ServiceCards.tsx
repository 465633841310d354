// The busiest services as cards: rate, errors, p95 and the shape of their traffic.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchAnalysis } from "../../api/analyse.ts";
import type { ServiceFigures } from "../../api/services.ts";
import { ServiceName } from "../../components/ServiceName.tsx";
import { Sparkline } from "../../components/Sparkline.tsx";
import { fillZero, toGrid } from "../../lib/buckets.ts";
import { errorTone } from "../../lib/error-share.ts";
import { formatPercent, formatRate } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import { useTimeSearch } from "../../lib/view.ts";
import styles from "./Home.module.css";

const SHOWN = 12;
const TRAFFIC = '(kind:(server,consumer) OR parent_span_id:"") | timeseries count() by service | limit 10000';

export function ServiceCards({ services, range }: { services: readonly ServiceFigures[]; range: Range }) {
  const timeSearch = useTimeSearch();
  const traffic = useQuery({
    queryKey: ["analysis", "traces", TRAFFIC, range],
    queryFn: ({ signal }) => fetchAnalysis({ signal: "traces", q: TRAFFIC, range }, signal),
    placeholderData: keepPreviousData,
  });
  const table = traffic.data?.value.table;
  const counts = table
    ? fillZero(
        toGrid({
          rows: table.rows,
          time: 0,
          key: 1,
          measure: 2,
          stepMilli: (table.step_nanos ?? 60e9) / 1e6,
          whole: table.rows.length >= table.groups,
          ...range,
        }),
      ).values
    : new Map<string, (number | null)[]>();
  const shown = [...services].sort((a, b) => b.calls - a.calls).slice(0, SHOWN);
  return (
    <ul className={styles.cards}>
      {shown.map((service) => (
        <li key={service.name}>
          <Link to="/services/$name" params={{ name: service.name }} search={timeSearch} className={styles.card ?? ""}>
            <ServiceName name={service.name} />
            <Sparkline values={counts.get(service.name) ?? []} label="calls over time" wide height={28} />
            <span className={styles.figures}>
              <span>{formatRate(service.rate_per_s)}</span>
              <span data-tone={errorTone(service.error_ratio)}>{formatPercent(service.error_ratio)} errors</span>
              <span>p95 {formatDuration(service.p95_nanos)}</span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
