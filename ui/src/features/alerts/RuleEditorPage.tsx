// A rule is written: expression, condition, duration, labels, annotations, with the messages it would send now, what is odd
// about it, and when it would have fired. The form and the YAML say the same.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { findingsOf } from "../../api/channels.ts";
import { fetchMetadata } from "../../api/prometheus.ts";
import { exportRules, importRules } from "../../api/rules.ts";
import { filterCompleter, highlightFilter } from "../../components/filter-language.ts";
import { highlightPromql, promqlCompleter } from "../../components/promql-language.ts";
import { QueryInput } from "../../components/QueryInput.tsx";
import { Empty, ErrorBox, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { type Operator, splitComparison } from "../../lib/comparison.ts";
import { useReport } from "../../lib/report.ts";
import { formatValue } from "../../lib/units.ts";
import { useTime, useView } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { Backtest } from "./Backtest.tsx";
import { parseSpan } from "./durations.ts";
import { FindingList } from "./FindingList.tsx";
import { unitOf } from "./figures.ts";
import { lintRule } from "./lint.ts";
import { PairRows } from "./PairRows.tsx";
import editor from "./RuleEditor.module.css";
import { beyondForm, draftOf, fileOf, groupText, groupWith, NEW_RULE, type RuleDraft } from "./rule-file.ts";
import { TemplatePreview } from "./TemplatePreview.tsx";
import { ruleKey } from "./triage.ts";
import { type FoundRule, useRule } from "./useRule.ts";
import { useRules } from "./useTriage.ts";

const DEFAULT_GROUP = "ui";
const DEFAULT_INTERVAL = 15;
const OPERATORS: readonly Operator[] = [">", ">=", "<", "<=", "==", "!="];
const SEVERITIES = ["critical", "warning", "info"] as const;
const SOURCES = [
  { id: "promql", title: "Metrics" },
  { id: "logs", title: "Logs" },
  { id: "traces", title: "Traces" },
] as const;

export function RuleEditorPage() {
  const { id } = useParams({ strict: false }) as { id?: string };
  return (
    <>
      <AlertsNav />
      <div className={styles.page}>{id === undefined ? <NewRule /> : <ChangedRule id={id} />}</div>
    </>
  );
}

function NewRule() {
  const { search } = useView();
  const [initial] = useState((): RuleDraft => {
    const expr = search.expr ?? "";
    // A chart proposes a threshold for an expression that has none.
    const proposed =
      search.above !== undefined && Number.isFinite(Number(search.above)) && splitComparison(expr) === null;
    return { ...NEW_RULE, expr: proposed ? `(${expr}) > ${search.above}` : expr, name: search.name ?? "" };
  });
  return <Editor initial={initial} found={null} />;
}

function ChangedRule({ id }: { id: string }) {
  const { rules, found } = useRule(id);
  const first = useRef<FoundRule | null>(null);
  // What others change meanwhile does not take away what is being typed.
  first.current ??= found;
  if (!first.current) {
    if (rules.isPending) return <Skeleton />;
    return (
      <Empty reason="none" title="There is no such rule">
        <Link to="/alerts/rules" className="button">
          All rules
        </Link>
      </Empty>
    );
  }
  const { group, rule } = first.current;
  if (group.file !== "api") {
    return (
      <Empty reason="none" title="This rule comes from a file">
        <p>
          Change it in <code>{group.file}</code> and reload the configuration.
        </p>
        <Link to="/alerts/rules/$id" params={{ id }} className="button">
          Back to the rule
        </Link>
      </Empty>
    );
  }
  return <Editor initial={draftOf(rule)} found={first.current} />;
}

type Mode = "form" | "yaml";

function Editor({ initial, found }: { initial: RuleDraft; found: FoundRule | null }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const rules = useRules();
  const [draft, setDraft] = useState(initial);
  const [groupName, setGroupName] = useState(found?.group.name ?? DEFAULT_GROUP);
  const [mode, setMode] = useState<Mode>("form");
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const group = rules.data?.find((each) => each.name === groupName) ?? null;
  const interval = group?.interval ?? DEFAULT_INTERVAL;
  const taken = group !== null && group.file !== "api";
  const exported = useQuery({
    queryKey: ["rules-export"],
    queryFn: ({ signal }) => exportRules("bellrock", signal),
    enabled: group !== null && !taken,
  });
  const stored = exported.data && group ? groupText(exported.data, group.name) : null;
  const beyond = stored === null ? null : beyondForm(stored);
  useEffect(() => {
    // The form would lose what it does not know, so such a group is changed as text.
    if (beyond !== null && found !== null) setMode("yaml");
  }, [beyond, found]);
  const set = (change: Partial<RuleDraft>) => setDraft((old) => ({ ...old, ...change }));
  const file = useMemo(
    () =>
      fileOf(
        groupName,
        group ? `${group.interval}s` : "",
        groupWith(group, draft, found?.group.name === groupName ? found.rule.name : null),
      ),
    [groupName, group, draft, found],
  );
  const yaml = text ?? (beyond !== null && stored !== null ? stored : file);
  const lints = useMemo(() => lintRule(draft, interval), [draft, interval]);
  const problem = problemOf(draft, mode, taken, groupName, beyond);
  useReport({ asOfMilli: null, elapsedMs: null, rowsScanned: null, partial: null, notes: [], busy: false });
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const done = await importRules(mode === "yaml" ? yaml : file);
      await client.invalidateQueries({ queryKey: ["rules"] });
      void client.invalidateQueries({ queryKey: ["rules-export"] });
      const [first] = done.groups;
      const name = mode === "form" ? draft.name : (first?.rules[0] ?? draft.name);
      void navigate({ to: "/alerts/rules/$id", params: { id: ruleKey(first?.name ?? groupName, name) } });
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setBusy(false);
    }
  };
  return (
    <div className={editor.columns}>
      <div className={editor.main}>
        <section className={styles.section} aria-label={found ? `Edit ${found.rule.name}` : "New rule"}>
          <Tabs
            label="How the rule is written"
            tabs={[
              { id: "form", title: "Form" },
              { id: "yaml", title: "YAML" },
            ]}
            current={mode}
            onChange={setMode}
          />
          {mode === "form" ? (
            <RuleForm
              draft={draft}
              set={set}
              groupName={groupName}
              setGroupName={setGroupName}
              groups={(rules.data ?? []).filter((each) => each.file === "api").map((each) => each.name)}
              beyond={beyond}
              lints={lints}
            />
          ) : (
            <div className={styles.body}>
              <label className={styles.field}>
                The whole group, as a rule file
                <textarea
                  className={styles.code}
                  value={yaml}
                  rows={22}
                  spellCheck={false}
                  onChange={(event) => setText(event.target.value)}
                />
              </label>
            </div>
          )}
          <div className={styles.body}>
            {error && <ErrorBox error={error} query={draft.expr} />}
            {findingsOf(error).length > 0 && <FindingList findings={findingsOf(error)} />}
            <div className={`${styles.actions} ${editor.save}`}>
              <button
                type="button"
                className="button primary"
                disabled={problem !== null || busy}
                onClick={() => void save()}
              >
                {found ? "Save" : "Create the rule"}
              </button>
              <Link to="/alerts/rules" className="button">
                Cancel
              </Link>
              {problem && <span className={styles.hint}>{problem}</span>}
            </div>
          </div>
        </section>
        {mode === "form" && draft.kind === "alert" && (
          <Backtest
            draft={draft}
            unit={unitOf({ query: draft.expr, annotations: Object.fromEntries(draft.annotations) })}
            interval={interval}
            onTake={(change) => set(change)}
          />
        )}
      </div>
      {mode === "form" && draft.kind === "alert" && (
        <div className={editor.side}>
          <TemplatePreview draft={draft} />
        </div>
      )}
    </div>
  );
}

function problemOf(draft: RuleDraft, mode: Mode, taken: boolean, group: string, beyond: string | null): string | null {
  if (taken) return `The group ${group} comes from a file; choose another name.`;
  if (mode === "yaml") return null;
  if (beyond !== null)
    return `The group has ${beyond}, which the form does not know: change it as YAML, or choose another group.`;
  if (draft.name.trim() === "") return "Give it a name.";
  if (draft.expr.trim() === "") return "Write an expression.";
  if (group.trim() === "") return "Name a group.";
  if (draft.for !== "" && parseSpan(draft.for) === null) return "The duration is none: write 90s, 5m or 1h30m.";
  return null;
}

interface FormProps {
  draft: RuleDraft;
  set: (change: Partial<RuleDraft>) => void;
  groupName: string;
  setGroupName: (name: string) => void;
  groups: readonly string[];
  beyond: string | null;
  lints: ReturnType<typeof lintRule>;
}

function RuleForm({ draft, set, groupName, setGroupName, groups, beyond, lints }: FormProps) {
  const { range } = useTime();
  const metadata = useQuery({ queryKey: ["metadata"], queryFn: ({ signal }) => fetchMetadata(signal), retry: false });
  const complete = useMemo(
    () =>
      draft.source === "promql"
        ? promqlCompleter({ range, metadata: metadata.data ?? {} })
        : filterCompleter(draft.source, range),
    [draft.source, range, metadata.data],
  );
  const severity = draft.labels.find(([name]) => name === "severity")?.[1] ?? "";
  const setSeverity = (value: string) => {
    const others = draft.labels.filter(([name]) => name !== "severity");
    set({ labels: value === "" ? others : [["severity", value], ...others] });
  };
  return (
    <div className={`${styles.body} ${styles.form}`}>
      <div className={styles.fields}>
        <label className={styles.field}>
          Name
          <input
            className="input"
            value={draft.name}
            placeholder="HighErrorRate"
            onChange={(event) => set({ name: event.target.value })}
          />
        </label>
        <label className={styles.field}>
          Group
          <input
            className="input"
            list="rule-groups"
            value={groupName}
            onChange={(event) => setGroupName(event.target.value)}
          />
          <datalist id="rule-groups">
            {groups.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </label>
      </div>
      {beyond !== null && <p className={styles.hint}>The group has “{beyond}”: its rules are changed under YAML.</p>}
      <fieldset className={styles.fieldset}>
        <legend>Looks at</legend>
        <div className={styles.chips}>
          {SOURCES.map((source) => (
            <button
              key={source.id}
              type="button"
              className="button small"
              aria-pressed={draft.source === source.id}
              onClick={() => set({ source: source.id })}
            >
              {source.title}
            </button>
          ))}
          {draft.source !== "promql" && (
            <label className={styles.inline}>
              of the last
              <input
                className={`input ${styles.short}`}
                aria-label="Window"
                value={draft.window}
                onChange={(event) => set({ window: event.target.value })}
              />
            </label>
          )}
        </div>
      </fieldset>
      <div>
        <span className={styles.hint}>Expression</span>
        <div className={editor.expression}>
          <QueryInput
            value={draft.expr}
            onChange={(expr) => set({ expr })}
            onRun={(expr) => set({ expr })}
            label="Expression"
            placeholder={
              draft.source === "promql"
                ? 'sum by (service) (rate(http_requests_total{status=~"5.."}[5m])) > 0.05'
                : "level>=error | stats count() by service | where count > 100"
            }
            highlight={draft.source === "promql" ? highlightPromql : highlightFilter}
            complete={complete}
          />
        </div>
      </div>
      {draft.source === "promql" && <Condition draft={draft} set={set} />}
      <div className={styles.fields}>
        <label className={styles.field}>
          Must hold for
          <input
            className="input"
            value={draft.for}
            placeholder="0s"
            onChange={(event) => set({ for: event.target.value })}
          />
        </label>
        <label className={styles.field}>
          Keeps firing for
          <input
            className="input"
            value={draft.keepFiringFor}
            placeholder="0s"
            onChange={(event) => set({ keepFiringFor: event.target.value })}
          />
        </label>
      </div>
      <fieldset className={styles.fieldset}>
        <legend>Severity</legend>
        <div className={styles.chips}>
          {SEVERITIES.map((each) => (
            <button
              key={each}
              type="button"
              className="button small"
              aria-pressed={severity === each}
              onClick={() => setSeverity(each)}
            >
              {each}
            </button>
          ))}
        </div>
      </fieldset>
      <PairRows
        title="Labels"
        pairs={draft.labels.filter(([name]) => name !== "severity")}
        onChange={(labels) => set({ labels: [...draft.labels.filter(([name]) => name === "severity"), ...labels] })}
        suggestions={["team", "service", "environment"]}
      />
      <PairRows
        title="Annotations"
        pairs={draft.annotations}
        onChange={(annotations) => set({ annotations })}
        suggestions={["summary", "description", "runbook_url"]}
        hint="Templates: {{ $labels.service }}, {{ $value | humanizePercentage }}"
        long
      />
      {lints.length > 0 && (
        <section aria-label="Findings" aria-live="polite">
          <FindingList
            findings={lints.map((each) => ({
              severity: "warning",
              line: 0,
              path: each.where,
              message: each.message,
              fix: each.fix,
            }))}
          />
        </section>
      )}
    </div>
  );
}

/** The comparison at the outside of the expression as fields; the text of the expression stays the truth. */
function Condition({ draft, set }: { draft: RuleDraft; set: (change: Partial<RuleDraft>) => void }) {
  const comparison = splitComparison(draft.expr);
  const [typed, setTyped] = useState<string | null>(null);
  const unit = unitOf({ query: draft.expr, annotations: Object.fromEntries(draft.annotations) });
  if (draft.expr.trim() === "") return null;
  if (!comparison) {
    if (/[<>=]=?/.test(draft.expr.replace(/"[^"]*"|\{[^}]*\}/g, ""))) return null;
    return (
      <button type="button" className="button small" onClick={() => set({ expr: `${draft.expr.trim()} > 0` })}>
        Add a condition
      </button>
    );
  }
  const rewrite = (operator: Operator, right: string) => {
    const plain =
      /^[\w:]+(\{[^}]*\})?$/.test(comparison.left) || /^\w+(\s+by\s*\([^)]*\))?\s*\(.*\)$/s.test(comparison.left);
    set({ expr: `${plain ? comparison.left : `(${comparison.left})`} ${operator} ${right}` });
  };
  return (
    <div className={styles.inline}>
      Fires when it is
      <select
        className="input"
        aria-label="Comparison"
        value={comparison.operator}
        onChange={(event) => rewrite(event.target.value as Operator, comparison.right)}
      >
        {OPERATORS.map((operator) => (
          <option key={operator}>{operator}</option>
        ))}
      </select>
      <input
        className={`input ${styles.short}`}
        aria-label="Threshold"
        value={typed ?? comparison.right}
        onChange={(event) => {
          setTyped(event.target.value);
          if (event.target.value.trim() !== "" && Number.isFinite(Number(event.target.value)))
            rewrite(comparison.operator, event.target.value.trim());
        }}
        onBlur={() => setTyped(null)}
      />
      <span className="muted">{formatValue(comparison.threshold, unit)}</span>
    </div>
  );
}
