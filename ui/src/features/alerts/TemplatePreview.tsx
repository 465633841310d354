// What the message would say now: the templates of a rule over the series that its expression has at this moment, whether the
// condition holds or not. Errors of templates show before the rule is saved.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { tryRules } from "../../api/rules.ts";
import { Skeleton } from "../../components/States.tsx";
import { splitComparison } from "../../lib/comparison.ts";
import { formatValue } from "../../lib/units.ts";
import styles from "./Alerts.module.css";
import { useDebounced } from "./Backtest.tsx";
import { Refusal } from "./FindingList.tsx";
import { unitOf } from "./figures.ts";
import { LabelList } from "./LabelList.tsx";
import editor from "./RuleEditor.module.css";
import { fileOf, type RuleDraft } from "./rule-file.ts";
import { SeverityTag } from "./Tags.tsx";

const SHOWN = 3;
const DEBOUNCE_MS = 400;

export function TemplatePreview({ draft }: { draft: RuleDraft }) {
  const comparison = draft.source === "promql" ? splitComparison(draft.expr) : null;
  const file = useDebounced(
    fileOf("preview", "15s", [
      { ...draft, name: draft.name || "rule", expr: comparison?.left ?? draft.expr, for: "", keepFiringFor: "" },
    ]),
    DEBOUNCE_MS,
  );
  const trial = useQuery({
    queryKey: ["template-preview", file],
    queryFn: ({ signal }) => tryRules(file, { from: "now-1m", step: "15s" }, signal),
    enabled: draft.expr.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const rule = trial.data?.rules[0];
  const alerts = (rule?.alerts ?? []).filter((alert) => alert.endedAt === null);
  const unit = unitOf({ query: draft.expr, annotations: Object.fromEntries(draft.annotations) });
  return (
    <section className={styles.section} aria-label="The message now">
      <header>
        <h2>The message now</h2>
        <span className="faint">with the current series, whether the condition holds or not</span>
      </header>
      <div className={styles.body} aria-live="polite">
        {draft.expr.trim() === "" && <p className="faint">Write an expression to see what would be said.</p>}
        {trial.error && <Refusal error={trial.error} query={comparison?.left ?? draft.expr} />}
        {draft.expr.trim() !== "" && trial.isPending && !trial.error && <Skeleton rows={4} />}
        {rule?.error && <p className={styles.problem}>{rule.error}</p>}
        {rule && !rule.error && alerts.length === 0 && (
          <p className={styles.hint}>
            The expression gives no series now, so there is nothing to fill the templates with.
          </p>
        )}
        {alerts.slice(0, SHOWN).map((alert) => (
          <article key={JSON.stringify(alert.labels)} className={editor.message}>
            <p className={editor.messageHead}>
              <SeverityTag severity={alert.labels.severity ?? ""} />
              <strong>{alert.labels.alertname}</strong>
              {alert.value !== null && <span className="muted">{formatValue(alert.value, unit)}</span>}
            </p>
            <LabelList
              labels={Object.entries(alert.labels).filter(([name]) => name !== "alertname" && name !== "severity")}
            />
            <dl>
              {Object.entries(alert.annotations).map(([name, text]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd className={/<error expanding template/i.test(text) ? styles.problem : undefined}>
                    {text || <em className="faint">empty</em>}
                  </dd>
                </div>
              ))}
            </dl>
          </article>
        ))}
        {alerts.length > SHOWN && <p className="faint">and {alerts.length - SHOWN} more</p>}
        {(trial.data?.findings ?? []).map((finding) => (
          <p key={`${finding.path} ${finding.message}`} className={styles.hint}>
            {finding.message}
          </p>
        ))}
      </div>
    </section>
  );
}
