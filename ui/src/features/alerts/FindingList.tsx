// What there is to say of a file or a rule: how bad, where, what, and what to do about it.
import { AlertOctagon, Info, TriangleAlert } from "lucide-react";
import { findingsOf } from "../../api/channels.ts";
import type { Finding } from "../../api/rules.ts";
import { CodeText } from "../../components/CodeText.tsx";
import { ErrorBox } from "../../components/States.tsx";
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
              {finding.path && <code className="faint">{finding.path}</code>} <CodeText>{finding.message}</CodeText>
              {finding.fix && (
                <span className={styles.fix}>
                  <CodeText>{finding.fix}</CodeText>
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** A file that was refused: its findings where there are any, or what went wrong. */
export function Refusal({ error, query }: { error: Error; query?: string }) {
  const findings = findingsOf(error);
  if (findings.length === 0) return <ErrorBox error={error} {...(query === undefined ? {} : { query })} />;
  return (
    <div role="alert">
      <FindingList findings={findings} />
    </div>
  );
}
