// What the server says about a file of objectives: where it is, and what to do.
import { AlertTriangle, CircleX } from "lucide-react";
import type { SloFinding } from "../../api/slos.ts";
import { CodeText } from "../../components/CodeText.tsx";
import styles from "./Slos.module.css";

export function Findings({ findings }: { findings: readonly SloFinding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul className={styles.findings} aria-label="Findings">
      {findings.map((finding) => (
        <li key={`${finding.file} ${finding.line} ${finding.path} ${finding.message}`} data-severity={finding.severity}>
          {finding.severity === "error" ? <CircleX size={14} aria-hidden /> : <AlertTriangle size={14} aria-hidden />}
          <span className="sr-only">{finding.severity}: </span>
          <span className="mono faint">
            {finding.file && `${finding.file}:`}
            {finding.line > 0 ? `line ${finding.line}` : ""}
          </span>
          <span className="grow">
            {finding.path && <code>{finding.path}</code>} <CodeText>{finding.message}</CodeText>
            {finding.fix && (
              <span className="muted">
                . <CodeText>{finding.fix}</CodeText>
              </span>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
