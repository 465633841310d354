// What the service says: log volume by level, and the patterns of its messages with what changed.
import { Link, useNavigate } from "@tanstack/react-router";
import { StackedBars } from "../../../charts/StackedBars.tsx";
import { PatternsView } from "../../../components/PatternsView.tsx";
import { ALL_ROWS } from "../../../lib/buckets.ts";
import { LEVELS } from "../../../lib/colour.ts";
import { term } from "../../../lib/filter.ts";
import type { Range } from "../../../lib/time/range.ts";
import { useTime, useTimeSearch } from "../../../lib/view.ts";
import { gridOf, useAnalysis } from "../queries.ts";
import styles from "../Service.module.css";
import type { TabProps } from "./OverviewTab.tsx";

export function LogsTab({ service, range }: TabProps) {
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const { zone } = useTime();
  const q = term("service", service);
  return (
    <>
      <Volume service={service} range={range} />
      <section className={styles.section}>
        <header>
          <h2>Patterns</h2>
          <span className="grow" />
          <Link to="/logs" search={{ ...timeSearch, q }}>
            All records
          </Link>
        </header>
        <PatternsView
          range={range}
          q={q}
          zone={zone}
          onQuery={(query) => void navigate({ to: "/logs", search: { ...timeSearch, q: query } })}
        />
      </section>
    </>
  );
}

function Volume({ service, range }: { service: string; range: Range }) {
  const { zone, setRange } = useTime();
  const volume = useAnalysis("logs", `${term("service", service)} | timeseries count() by level ${ALL_ROWS}`, range);
  const grid = gridOf(volume.data?.value, range, "count", "level");
  if (!grid || grid.values.size === 0) return null;
  const stacks = [...LEVELS]
    .reverse()
    .filter((level) => grid.values.has(level.toLowerCase()) || grid.values.has(level))
    .map((level) => ({
      name: level.toLowerCase(),
      colour: `--level-${level.toLowerCase()}`,
      counts: (grid.values.get(level.toLowerCase()) ?? grid.values.get(level) ?? []).map((count) => count ?? 0),
    }));
  return (
    <div className={styles.volume}>
      <StackedBars
        label="Log records by level"
        stacks={stacks}
        startMilli={grid.times[0] ?? range.fromMilli}
        stepMilli={grid.stepMilli}
        range={range}
        zone={zone}
        onSelect={setRange}
      />
    </div>
  );
}
