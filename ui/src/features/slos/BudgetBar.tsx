// What is left of a budget: a bar, its share, and the minutes of outage that it is.
import type { SloGroup } from "../../api/slos.ts";
import { formatPercent } from "../../lib/number.ts";
import { budgetSeconds, formatSpan } from "./budget.ts";
import styles from "./Slos.module.css";

const LOW = 0.25;

export function BudgetBar({ group }: { group: SloGroup }) {
  const { remaining, remaining_secs: seconds } = group.budget;
  const tone = remaining <= 0 ? "bad" : remaining < LOW ? "warn" : "good";
  const width = Math.min(1, Math.max(0, remaining)) * 100;
  const percent = remaining < 0 ? `\u2212${formatPercent(-remaining)}` : formatPercent(remaining);
  return (
    <div className={styles.bar} data-tone={tone}>
      <span className={styles.track} aria-hidden>
        <i style={{ width: `${width}%` }} />
      </span>
      <strong>{percent}</strong>
      <span className="faint">
        {seconds < 0
          ? `${formatSpan(-seconds)} too many of ${formatSpan(budgetSeconds(group))}`
          : `${formatSpan(seconds)} of ${formatSpan(budgetSeconds(group))}`}
      </span>
    </div>
  );
}
