// The templates of the bodies with how often they came, over time, and what changed against the window before.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Minus, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { fetchPatterns } from "../api/analyse.ts";
import { formatCount, formatPercent, plural } from "../lib/number.ts";
import { formatInstant } from "../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../lib/time/nanos.ts";
import type { Range } from "../lib/time/range.ts";
import type { Zone } from "../lib/time/zone.ts";
import { LevelTag } from "./LevelTag.tsx";
import { NothingFound } from "./NothingFound.tsx";
import styles from "./PatternsView.module.css";
import { type Change, type PatternRow, patternFilter, WILDCARD, withChanges } from "./pattern.ts";
import { Sparkline } from "./Sparkline.tsx";
import { ErrorBox, Skeleton } from "./States.tsx";
import { WildcardPopover } from "./WildcardPopover.tsx";

export interface PatternsViewProps {
  range: Range;
  q: string;
  zone: Zone;
  onQuery: (query: string) => void;
}

const LIMIT = 200;

export function PatternsView({ range, q, zone, onQuery }: PatternsViewProps) {
  const [onlyChanged, setOnlyChanged] = useState(false);
  const now = useQuery({
    queryKey: ["log-patterns", range, q],
    queryFn: ({ signal }) => fetchPatterns(range, q, LIMIT, signal),
    placeholderData: keepPreviousData,
  });
  const length = range.toMilli - range.fromMilli;
  const earlier = { fromMilli: range.fromMilli - length, toMilli: range.fromMilli };
  const before = useQuery({
    queryKey: ["log-patterns", earlier, q],
    queryFn: ({ signal }) => fetchPatterns(earlier, q, 1000, signal),
    retry: false,
  });
  const known = before.data?.value;
  // A window in which nothing was stored is no window to compare with.
  const compared = known && known.records > 0 ? known.patterns : null;
  const rows = useMemo(() => withChanges(now.data?.value.patterns ?? [], compared), [now.data, compared]);
  if (now.error) return <ErrorBox error={now.error} query={q} onRetry={() => void now.refetch()} onApply={onQuery} />;
  if (!now.data) return <Skeleton rows={16} rowHeight={40} />;
  const { distinct, records } = now.data.value;
  if (records === 0 && rows.length === 0) return <NothingFound signal="logs" query={q} onQuery={onQuery} />;
  const changed = rows.filter((row) => row.change !== null);
  const shown = onlyChanged ? changed : rows;
  return (
    <div className={styles.box}>
      <div className={styles.head}>
        <span>
          {plural(distinct, "pattern")} in {plural(records, "record")}
          {distinct > LIMIT && <span className="badge warn">the {LIMIT} most frequent</span>}
        </span>
        <label>
          <input
            type="checkbox"
            checked={onlyChanged}
            disabled={!compared}
            onChange={() => setOnlyChanged(!onlyChanged)}
          />{" "}
          only what changed ({changed.length})
        </label>
        {!compared && !before.isPending && (
          <span className="faint">nothing is stored of the window before to compare with</span>
        )}
      </div>
      <table className="table">
        <thead>
          <tr>
            <th className="number">Count</th>
            <th className="number">Share</th>
            <th>Over time</th>
            <th>Change</th>
            <th>Level</th>
            <th>Pattern</th>
            <th>Newest</th>
            <th>
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <Row key={row.template} row={row} records={records} q={q} zone={zone} onQuery={onQuery} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  row: PatternRow;
  records: number;
  q: string;
  zone: Zone;
  onQuery: (query: string) => void;
}

function Row({ row, records, q, zone, onQuery }: RowProps) {
  const include = patternFilter(row.template, false);
  const exclude = patternFilter(row.template, true);
  const add = (part: string) => onQuery(`${q} ${part}`.trim());
  const share = records > 0 ? row.count / records : 0;
  return (
    <tr className={styles.row} data-level={row.level}>
      <td className="number">{formatCount(row.count)}</td>
      <td className="number">
        <span className={styles.share}>
          <i style={{ width: `${share * 100}%` }} />
        </span>
        {formatPercent(share)}
      </td>
      <td>
        {row.counts.length > 0 && (
          <Sparkline
            values={row.counts}
            label={`at most ${Math.max(...row.counts)} per bucket`}
            width={110}
            height={20}
          />
        )}
      </td>
      <td>
        <Badge change={row.change} />
      </td>
      <td>{row.level && <LevelTag level={row.level} />}</td>
      <td className={styles.pattern}>
        {row.template.split(WILDCARD).map((part, at) => (
          <span key={at}>
            {at > 0 && <WildcardPopover template={row.template} at={at - 1} q={q} onQuery={onQuery} />}
            {part}
          </span>
        ))}
      </td>
      <td className="faint">{formatInstant(nanosToMilli(parseNanos(row.newest_unix_nano)), zone, false)}</td>
      <td className={styles.actions}>
        {include && (
          <button
            type="button"
            className="button quiet small icon"
            title="Only records like this"
            aria-label="Only records like this"
            onClick={() => add(include)}
          >
            <Plus size={13} aria-hidden />
          </button>
        )}
        {exclude && (
          <button
            type="button"
            className="button quiet small icon"
            title="Without records like this"
            aria-label="Without records like this"
            onClick={() => add(exclude)}
          >
            <Minus size={13} aria-hidden />
          </button>
        )}
      </td>
    </tr>
  );
}

function Badge({ change }: { change: Change }) {
  if (!change) return null;
  if (change.kind === "new") return <span className="badge warn">new</span>;
  if (change.kind === "gone") return <span className="badge">gone</span>;
  const percent = (change.ratio - 1) * 100;
  const text = percent > 0 ? `+${formatCount(Math.round(percent))} %` : `\u2212${formatCount(Math.round(-percent))} %`;
  return <span className={percent > 0 ? "badge warn" : "badge"}>{text}</span>;
}
