// One rule: how it stands, what it says, what is odd about it, when it would have fired, and who uses the same metric.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellOff, Pencil, Send } from "lucide-react";
import { useMemo, useState } from "react";
import { serverNow } from "../../api/client.ts";
import { fetchDashboard, fetchDashboards } from "../../api/dashboards.ts";
import { exportRules, tryRules } from "../../api/rules.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Pre } from "../../components/Pre.tsx";
import { Empty, Skeleton } from "../../components/States.tsx";
import { WideTable } from "../../components/WideTable.tsx";
import { splitComparison } from "../../lib/comparison.ts";
import { fingerprintOf } from "../../lib/fingerprint.ts";
import { plural } from "../../lib/number.ts";
import { formatDuration, formatRelative } from "../../lib/time/format.ts";
import { formatValue } from "../../lib/units.ts";
import detail from "./AlertDetail.module.css";
import styles from "./Alerts.module.css";
import { Backtest } from "./Backtest.tsx";
import { FindingList } from "./FindingList.tsx";
import { unitOf } from "./figures.ts";
import { LabelList } from "./LabelList.tsx";
import { lintRule } from "./lint.ts";
import { useWhyMissing } from "./ProblemText.tsx";
import { Health } from "./RulesPage.tsx";
import { draftOf, fileOf, groupText, ruleText } from "./rule-file.ts";
import { SilenceDialog } from "./SilenceDialog.tsx";
import { SeverityTag, StateTag } from "./Tags.tsx";
import { TestFireDialog } from "./TestFireDialog.tsx";
import { type FoundRule, useRule } from "./useRule.ts";

const ALERTS_MAX = 50;
const DASHBOARDS_MAX = 40;

export function RuleDetail({ id }: { id: string }) {
  const { rules, found } = useRule(id);
  if (!found) {
    if (rules.isPending) return <Skeleton />;
    return (
      <Empty reason="none" title="There is no such rule">
        <p>
          <code>{id}</code> was removed or has another name now.
        </p>
        <Link to="/alerts/rules" className="button">
          All rules
        </Link>
      </Empty>
    );
  }
  return <Shown id={id} found={found} />;
}

function Shown({ id, found }: { id: string; found: FoundRule }) {
  const { group, rule } = found;
  const [open, setOpen] = useState<"silence" | "test" | null>(null);
  const [notice, setNotice] = useState("");
  const draft = useMemo(() => draftOf(rule), [rule]);
  // As it is stored, with what only Bellrock has; until that is here, what can be seen of it.
  const exported = useQuery({ queryKey: ["rules-export"], queryFn: ({ signal }) => exportRules("bellrock", signal) });
  const stored = exported.data ? groupText(exported.data, group.name) : null;
  const definition = (stored && ruleText(stored, rule.name)) ?? fileOf(group.name, `${group.interval}s`, [draft]);
  const now = serverNow();
  const last = Date.parse(rule.lastEvaluation);
  const alerting = rule.type === "alerting";
  return (
    <>
      <section className={`${styles.section} ${detail.head}`} aria-label={rule.name}>
        <div className={detail.title}>
          {alerting && <SeverityTag severity={rule.labels.severity ?? ""} />}
          {alerting && (
            <StateTag state={rule.state === "firing" || rule.state === "pending" ? rule.state : "inactive"} />
          )}
          <h2>{rule.name}</h2>
          <Health rule={rule} />
        </div>
        {rule.lastError && <p className={styles.problem}>{rule.lastError}</p>}
        <dl className={detail.facts}>
          <Fact name="Group">
            {group.name} <span className="muted">{group.file === "api" ? "made here" : `from ${group.file}`}</span>
          </Fact>
          <Fact name="Evaluated every">{formatDuration(group.interval * 1e9)}</Fact>
          <Fact name="Last">{last > 0 ? formatRelative(last, now) : "not yet"}</Fact>
          <Fact name="Took">{formatDuration(rule.evaluationTime * 1e9)}</Fact>
          {alerting && (
            <Fact name="Must hold for">
              {rule.duration > 0 ? formatDuration(rule.duration * 1e9) : "one evaluation"}
            </Fact>
          )}
          {rule.keepFiringFor > 0 && <Fact name="Keeps firing for">{formatDuration(rule.keepFiringFor * 1e9)}</Fact>}
        </dl>
        <div className={styles.actions}>
          {group.file === "api" ? (
            <Link to="/alerts/rules/$id/edit" params={{ id }} className="button">
              <Pencil size={14} aria-hidden /> Edit
            </Link>
          ) : (
            <button type="button" className="button" disabled title={`It comes from ${group.file}: change it there`}>
              <Pencil size={14} aria-hidden /> Edit
            </button>
          )}
          {alerting && (
            <>
              <button type="button" className="button" onClick={() => setOpen("test")}>
                <Send size={14} aria-hidden /> Test-fire
              </button>
              <button type="button" className="button" onClick={() => setOpen("silence")}>
                <BellOff size={14} aria-hidden /> Silence
              </button>
            </>
          )}
          {rule.source === "promql" && (
            <Link to="/metrics" search={{ q: splitComparison(rule.query)?.left ?? rule.query }} className="button">
              Metrics
            </Link>
          )}
        </div>
      </section>
      {notice && (
        <p className={styles.notice} role="status">
          {notice}
        </p>
      )}
      <Findings found={found} />
      {alerting && <AlertsOf found={found} />}
      <section className={styles.section} aria-label="Definition">
        <header>
          <h2>Definition</h2>
          <span className="grow" />
          <CopyButton text={definition} label="Copy as a rule file" withText />
        </header>
        <Pre className={styles.pre}>{definition}</Pre>
      </section>
      {alerting && rule.source === "promql" && <Backtest draft={draft} unit={unitOf(rule)} interval={group.interval} />}
      {rule.source === "promql" && <UsedIn query={rule.query} />}
      {open === "silence" && (
        <SilenceDialog
          matchers={[{ name: "alertname", value: rule.name, isEqual: true, isRegex: false }]}
          onClose={() => setOpen(null)}
          onDone={(words) => {
            setOpen(null);
            setNotice(words);
          }}
        />
      )}
      {open === "test" && <TestFireDialog rule={rule} onClose={() => setOpen(null)} />}
    </>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What the server says of the file, what the text shows, and whether its data is there. */
function Findings({ found: { group, rule } }: { found: FoundRule }) {
  const draft = draftOf(rule);
  const file = fileOf(group.name, "", [draft]);
  const checked = useQuery({
    queryKey: ["rule-findings", file],
    queryFn: ({ signal }) => tryRules(file, { from: "now-1m" }, signal),
    staleTime: 60_000,
    retry: false,
    enabled: rule.type === "alerting" && rule.source === "promql",
  });
  const left = splitComparison(rule.query)?.left ?? rule.query;
  const missing = useWhyMissing(
    rule.type === "alerting" && rule.source === "promql" && rule.alerts.length === 0 ? left : "",
  );
  const there = missing === null || missing.startsWith("the series are there");
  const findings = [
    ...(there ? [] : [{ severity: "warning", line: 0, path: "expr", message: missing, fix: "" }]),
    ...rule.warnings.map((message) => ({ severity: "warning", line: 0, path: "expr", message, fix: "" })),
    ...lintRule(draft, group.interval).map((each) => ({
      severity: "warning",
      line: 0,
      path: each.where,
      message: each.message,
      fix: each.fix,
    })),
    ...(checked.data?.findings ?? []).map((each) => ({ ...each, line: 0, path: each.path.replace(/^.*\)\.?/, "") })),
  ];
  return (
    <section className={styles.section} aria-label="Findings">
      <header>
        <h2>Findings</h2>
        <span className="faint">
          {findings.length === 0 ? "nothing odd about it" : plural(findings.length, "finding")}
        </span>
      </header>
      {findings.length > 0 && <FindingList findings={findings} />}
    </section>
  );
}

function AlertsOf({ found: { rule } }: { found: FoundRule }) {
  const now = serverNow();
  const unit = unitOf(rule);
  if (rule.alerts.length === 0) return null;
  return (
    <section className={styles.section} aria-label="Alerts now">
      <header>
        <h2>Alerts now</h2>
        <span className="faint">{plural(rule.alerts.length, "alert")}</span>
      </header>
      <WideTable label="Table of alerts">
        <table className="table">
          <thead>
            <tr>
              <th>State</th>
              <th>Labels</th>
              <th className="number">Value</th>
              <th>Since</th>
            </tr>
          </thead>
          <tbody>
            {rule.alerts.slice(0, ALERTS_MAX).map((alert) => {
              const fp = alert.fingerprint || fingerprintOf(alert.labels);
              const labels = Object.entries(alert.labels).filter(
                ([name, value]) => name !== "alertname" && rule.labels[name] !== value,
              );
              return (
                <tr key={fp}>
                  <td>
                    <StateTag state={alert.state === "firing" ? "firing" : "pending"} />
                  </td>
                  <td>
                    <Link to="/alerts/instances/$fp" params={{ fp }}>
                      {labels.length > 0 ? <LabelList labels={labels} max={4} /> : rule.name}
                    </Link>
                  </td>
                  <td className="number">{formatValue(Number(alert.value), unit)}</td>
                  <td>{formatRelative(Date.parse(alert.activeAt), now)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </WideTable>
      {rule.alerts.length > ALERTS_MAX && (
        <p className={`${styles.body} faint`}>and {rule.alerts.length - ALERTS_MAX} more</p>
      )}
    </section>
  );
}

/** Names of metrics in an expression: words that are neither functions nor labels. */
export function metricsOf(query: string): string[] {
  const bare = query
    .replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, '""')
    .replace(/\{[^}]*\}/g, "{}")
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const words = [...bare.matchAll(/[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)].map((match) => match[0]);
  const others = new Set([
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "inf",
    "nan",
    "atan2",
    "by",
    "without",
    "on",
    "ignoring",
  ]);
  return [
    ...new Set(
      words.filter((word) => !others.has(word.toLowerCase()) && new RegExp(`\\b${word}\\b(?!\\s*\\()`).test(bare)),
    ),
  ];
}

function UsedIn({ query }: { query: string }) {
  const metrics = metricsOf(query);
  const boards = useQuery({
    queryKey: ["dashboards-with", metrics.join(",")],
    queryFn: async ({ signal }) => {
      const list = (await fetchDashboards(signal)).slice(0, DASHBOARDS_MAX);
      const texts = await Promise.all(list.map((board) => fetchDashboard(board.uid, signal).catch(() => null)));
      return list.filter((_, at) =>
        metrics.some((metric) => new RegExp(`\\b${metric}\\b`).test(texts[at]?.document ?? "")),
      );
    },
    enabled: metrics.length > 0,
    staleTime: 300_000,
    retry: false,
  });
  if (metrics.length === 0) return null;
  return (
    <section className={styles.section} aria-label="Dashboards with the same metric">
      <header>
        <h2>Dashboards with the same metric</h2>
      </header>
      <div className={styles.body}>
        {boards.isPending ? (
          <span className="faint">looking</span>
        ) : boards.data && boards.data.length > 0 ? (
          <ul className={styles.chips}>
            {boards.data.map((board) => (
              <li key={board.uid}>
                <Link to="/dashboards/$uid" params={{ uid: board.uid }} className="button small">
                  {board.title}
                </Link>
              </li>
            ))}
          </ul>
        ) : (
          <span className="faint">None shows {metrics.join(", ")}.</span>
        )}
      </div>
    </section>
  );
}
