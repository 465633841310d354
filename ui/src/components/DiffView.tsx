// The difference of two texts, with some lines around each change.
import { diffLines, hunks } from "../lib/diff.ts";
import { plural } from "../lib/number.ts";
import styles from "./DiffView.module.css";

const MARKS = { same: " ", added: "+", removed: "\u2212" };

export function DiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = diffLines(before, after);
  const shown = hunks(lines);
  if (shown.length === 0) return <p className="muted">Nothing differs.</p>;
  const count = (kind: "added" | "removed") => lines.filter((line) => line.kind === kind).length;
  return (
    <div className={styles.diff}>
      <p className={styles.summary}>
        {plural(count("added"), "line")} added, {plural(count("removed"), "line")} removed
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, also with the keyboard */}
      <pre className={styles.lines} tabIndex={0} role="region" aria-label={label}>
        {shown.map((hunk, index) => (
          <div key={index}>
            {hunk.skipped > 0 && <div className={styles.skipped}>{plural(hunk.skipped, "line")} without a change</div>}
            {hunk.lines.map((line, at) => (
              <div key={at} data-kind={line.kind} className={styles.line}>
                {MARKS[line.kind]} {line.text}
              </div>
            ))}
          </div>
        ))}
      </pre>
    </div>
  );
}
