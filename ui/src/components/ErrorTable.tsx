// Groups of exceptions as a table; the errors page and a service show it.
import { Link } from "@tanstack/react-router";
import type { ErrorGroup } from "../api/errors.ts";
import { formatCount, formatShort } from "../lib/number.ts";
import { formatInstant, formatRelative } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import { useTime, useTimeSearch } from "../lib/view.ts";
import styles from "./ErrorTable.module.css";
import { ServiceName } from "./ServiceName.tsx";
import { Sparkline } from "./Sparkline.tsx";

export interface ErrorTableProps {
  groups: readonly ErrorGroup[];
  range: Range;
  /** Index of the chosen row. */
  cursor?: number;
  withService?: boolean;
}

export function ErrorTable({ groups, range, cursor = -1, withService = true }: ErrorTableProps) {
  const { zone, asOfMilli } = useTime();
  const withUsers = groups.some((group) => group.users !== null);
  const timeSearch = useTimeSearch();
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Error</th>
          {withService && <th>Service</th>}
          <th className="roomy">In this range</th>
          <th className="number">Total</th>
          {withUsers && <th className="number">Users</th>}
          <th className="number roomy">First seen</th>
          <th className="number">Last seen</th>
        </tr>
      </thead>
      <tbody>
        {groups.map((group, index) => (
          <tr key={group.id} aria-selected={index === cursor} className={styles.row}>
            <td className={styles.what}>
              <Link to="/errors/$group" params={{ group: group.id }} search={timeSearch} className={styles.type ?? ""}>
                <strong className="ellipsis">{group.exception_type || "error"}</strong>
                {isNew(group, range) && <span className="badge error">new</span>}
                {isRegressed(group, range) && <RegressedBadge />}
                <span className={`ellipsis ${styles.message}`} title={group.message}>
                  {group.message}
                </span>
              </Link>
              <div className={`ellipsis faint mono ${styles.frame}`} title={group.frame}>
                {group.frame || group.span_name}
              </div>
            </td>
            {withService && (
              <td>
                <ServiceName name={group.service} />
              </td>
            )}
            <td className="roomy">
              <Sparkline
                values={spread(group, range)}
                colour="var(--error)"
                width={120}
                label={`occurrences in this range: ${formatCount(inRange(group))}`}
              />
            </td>
            <td className="number" title={formatCount(group.count)}>
              {formatShort(group.count)}
            </td>
            {withUsers && <td className="number">{usersOf(group)}</td>}
            <td className="number muted roomy" title={formatInstant(group.first_seen_unix_milli, zone)}>
              {formatRelative(group.first_seen_unix_milli, asOfMilli)}
              {group.first_version && <div className="faint">in {group.first_version}</div>}
            </td>
            <td className="number muted" title={formatInstant(group.last_seen_unix_milli, zone)}>
              {formatRelative(group.last_seen_unix_milli, asOfMilli)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function RegressedBadge() {
  return (
    <span className="badge warn" title="It had been seen, then not at all for a day, and in this range it came back">
      regressed
    </span>
  );
}

/** Came back in the range after a day without. */
export function isRegressed(group: ErrorGroup, range: Range): boolean {
  const at = group.regressed_unix_milli;
  return at !== null && at >= range.fromMilli && at < range.toMilli;
}

/** How many people met it, "about" when there are too many to remember each. */
export function usersOf(group: ErrorGroup): string {
  if (group.users === null) return "\u2013";
  return `${group.users_estimated ? "~" : ""}${formatShort(group.users)}`;
}

/** First seen inside the range, but not at the very start of what is known. */
export function isNew(group: ErrorGroup, range: Range): boolean {
  return group.first_seen_unix_milli >= range.fromMilli && group.first_seen_unix_milli < range.toMilli;
}

export function inRange(group: ErrorGroup): number {
  return Math.round(group.buckets.reduce((sum, bucket) => sum + bucket.count, 0));
}

const COLUMNS = 60;

/** The counts of a group at their place in the range; zero where nothing happened. */
export function spread(group: ErrorGroup, range: Range): number[] {
  const out = new Array<number>(COLUMNS).fill(0);
  const span = range.toMilli - range.fromMilli;
  for (const bucket of group.buckets) {
    const slot = Math.floor(((bucket.from_unix_milli - range.fromMilli) / span) * COLUMNS);
    if (slot >= 0 && slot < COLUMNS) out[slot] = (out[slot] ?? 0) + Math.max(0, bucket.count);
  }
  return out;
}
