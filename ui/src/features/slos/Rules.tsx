// The alerts that the server makes from an objective, and the pairs of windows that it left out, with the reason.
import { useQuery } from "@tanstack/react-query";
import { fetchBurnRules, type Slo } from "../../api/slos.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { windowName } from "../../lib/budget.ts";
import styles from "./Slos.module.css";

export function Rules({ slo }: { slo: Slo }) {
  const queryKey = ["slo-rules", slo.id];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchBurnRules(slo.id, signal),
    refetchInterval: 30_000,
  });
  return (
    <section className={styles.section} aria-label="Alerts of the objective">
      <header>
        <h3>Alerts made from it</h3>
      </header>
      <QueryState
        result={result}
        queryKey={queryKey}
        rows={3}
        isEmpty={(rules) => rules.length === 0}
        empty={
          <Empty reason="none" title={slo.alerting ? "Not made yet" : "Its alerts are switched off"}>
            <p>
              <code>alerts: {"{enabled: true}"}</code> in its definition makes them.
            </p>
          </Empty>
        }
      >
        {(rules) => (
          <table className="table">
            <thead>
              <tr>
                <th>Alert</th>
                <th>Severity</th>
                <th>State</th>
                <th>Expression</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <tr key={`${rule.name} ${rule.query}`}>
                  <td>
                    {rule.name}
                    <div className="faint">{rule.description}</div>
                  </td>
                  <td>{rule.severity}</td>
                  <td>
                    <span
                      className={`badge ${rule.state === "firing" ? "error" : rule.state === "pending" ? "warn" : ""}`}
                    >
                      {rule.state}
                    </span>
                  </td>
                  <td className={styles.expr}>
                    <code className="ellipsis" title={rule.query}>
                      {rule.query}
                    </code>
                  </td>
                  <td>
                    <CopyButton text={rule.query} label="Copy the expression" />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </QueryState>
      {slo.dropped.map((each) => (
        <p key={`${each.urgency} ${each.long_secs}`} className={styles.pad}>
          {`Left out: ${each.factor}\u00d7 over ${windowName(each.long_secs)} and ${windowName(each.short_secs)} (${each.urgency}). `}
          <span className="muted">{each.reason}</span>
        </p>
      ))}
    </section>
  );
}
