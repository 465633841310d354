// A share of something as a short bar, with what it is in words behind it; and what is left of an error budget as one.
import type { ReactNode } from "react";
import type { SloGroup } from "../api/slos.ts";
import { budgetSeconds, formatSpan } from "../lib/budget.ts";
import { formatPercent } from "../lib/number.ts";
import styles from "./ShareBar.module.css";

export interface ShareBarProps {
  /** 0 to 1; what lies beyond is cut. */
  share: number;
  tone: "good" | "warn" | "bad";
  children: ReactNode;
}

export function ShareBar({ share, tone, children }: ShareBarProps) {
  return (
    <div className={styles.bar} data-tone={tone}>
      <span className={styles.track} aria-hidden>
        <i style={{ width: `${Math.min(1, Math.max(0, share)) * 100}%` }} />
      </span>
      {children}
    </div>
  );
}

const LOW = 0.25;

export function BudgetBar({ group }: { group: SloGroup }) {
  const { remaining, remaining_secs: seconds } = group.budget;
  const percent = remaining < 0 ? `\u2212${formatPercent(-remaining)}` : formatPercent(remaining);
  return (
    <ShareBar share={remaining} tone={remaining <= 0 ? "bad" : remaining < LOW ? "warn" : "good"}>
      <strong>{percent}</strong>
      <span className={styles.note}>
        {seconds < 0
          ? `${formatSpan(-seconds)} too many of ${formatSpan(budgetSeconds(group))}`
          : `${formatSpan(seconds)} of ${formatSpan(budgetSeconds(group))}`}
      </span>
    </ShareBar>
  );
}
