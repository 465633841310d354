// What there is to say of a file or a rule: how bad, where, what, and what to do about it.
import { AlertOctagon, Info, TriangleAlert } from "lucide-react";
import type { Finding } from "../../api/rules.ts";
import styles from "./FindingList.module.css";

export type ShownFinding = Pick<Finding, "severity" | "line" | "path" | "message" | "fix">;

export function FindingList({
  findings,
  onLine,
}: {
  findings: readonly ShownFinding[];
  onLine?: (line: number) => void;
}) {
  return (
    <ul className={styles.list}>
      {findings.map((finding, at) => {
        const Icon =
          finding.severity === "error" ? AlertOctagon : finding.severity === "warning" ? TriangleAlert : Info;
        return (
          <li key={at} data-severity={finding.severity}>
            <Icon size={14} aria-hidden />
            <span className={styles.severity}>{finding.severity}</span>
            <span className={styles.line}>
              {finding.line > 0 &&
                (onLine ? (
                  <button type="button" className={styles.jump} onClick={() => onLine(finding.line)}>
                    line {finding.line}
                  </button>
                ) : (
                  `line ${finding.line}`
                ))}
            </span>
            <span className={styles.text}>
              {finding.path && <code>{finding.path}</code>} {finding.message}
              {finding.fix && <span className={styles.fix}>{finding.fix}</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
