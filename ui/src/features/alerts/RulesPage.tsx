// All rules by group: how they stand, how their evaluation goes, and when the next one is.
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { serverNow } from "../../api/client.ts";
import { exportUrl, type Rule, type RuleGroup, removeGroup } from "../../api/rules.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { FilterBox } from "../../components/FilterBox.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, ErrorBox, LimitBadge } from "../../components/States.tsx";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { formatCount, plural } from "../../lib/number.ts";
import { usePeek } from "../../lib/peek.ts";
import { useReport } from "../../lib/report.ts";
import { formatDuration, formatRelative } from "../../lib/time/format.ts";
import { useView } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { SeverityTag, StateTag } from "./Tags.tsx";
import { ruleKey } from "./triage.ts";
import { useRules } from "./useTriage.ts";

const ROWS_MAX = 1000;
const FILTERS = [
  { id: "", title: "All rules" },
  { id: "firing", title: "Firing" },
  { id: "pending", title: "Pending" },
  { id: "inactive", title: "Inactive" },
  { id: "error", title: "Failing" },
  { id: "recording", title: "Recording" },
] as const;

function fits(rule: Rule, only: string, q: string): boolean {
  if (only === "error" && rule.health !== "err") return false;
  if (only === "recording" && rule.type !== "recording") return false;
  if (["firing", "pending", "inactive"].includes(only) && rule.state !== only) return false;
  const hay = [rule.name, rule.query, ...Object.entries(rule.labels).map((pair) => pair.join("="))]
    .join("\n")
    .toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}

export function RulesPage() {
  const { search, patch } = useView();
  const navigate = useNavigate();
  const peek = usePeek();
  const client = useQueryClient();
  const filter = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState("");
  const [removing, setRemoving] = useState<RuleGroup | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const rules = useRules();
  const [q, only] = [search.q ?? "", search.only ?? ""];
  const { groups, total } = useMemo(() => {
    let left = ROWS_MAX;
    let total = 0;
    const groups = (rules.data ?? []).flatMap((group) => {
      const found = group.rules.filter((rule) => fits(rule, only, q));
      total += found.length;
      const shown = found.slice(0, Math.max(0, left));
      left -= shown.length;
      return shown.length > 0 || (found.length === 0 && q === "" && only === "") ? [{ group, shown }] : [];
    });
    return { groups, total };
  }, [rules.data, only, q]);
  const rows = groups.flatMap(({ group, shown }) => shown.map((rule) => ruleKey(group.name, rule.name)));
  useReport({
    asOfMilli: rules.dataUpdatedAt || null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: [plural(total, "rule")],
    busy: rules.isFetching,
  });
  const move = (step: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, rows.indexOf(cursor) + step))];
    if (next === undefined) return;
    setCursor(next);
    document.getElementById(`rule-${next}`)?.scrollIntoView({ block: "nearest" });
    if (peek.levels.length > 0) peek.open({ kind: "rule", id: next });
  };
  useKeys("page", "Rules", [
    ...rowKeys(move),
    {
      keys: "Enter",
      label: "Open the rule",
      run: () => cursor && void navigate({ to: "/alerts/rules/$id", params: { id: cursor } }),
    },
    { keys: "Space", label: "Show beside the list", run: () => cursor && peek.open({ kind: "rule", id: cursor }) },
    { keys: "n", label: "New rule", run: () => void navigate({ to: "/alerts/rules/new" }) },
    { keys: "/", label: "Filter", run: () => filter.current?.focus() },
  ]);
  return (
    <>
      <AlertsNav>
        <Link to="/alerts/rules/new" className="button small primary">
          New rule
        </Link>
      </AlertsNav>
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter rules"
          placeholder="Name, expression, severity=critical (/)"
          value={q}
          onChange={(value) => patch({ q: value || undefined }, { replace: true })}
        />
        <select
          className="input"
          aria-label="Which rules"
          value={only}
          onChange={(event) => patch({ only: event.target.value || undefined })}
        >
          {FILTERS.map((each) => (
            <option key={each.id} value={each.id}>
              {each.title}
            </option>
          ))}
        </select>
        <span className="grow" />
        {total > ROWS_MAX && (
          <LimitBadge>
            {formatCount(ROWS_MAX)} of {formatCount(total)}, filter to see others
          </LimitBadge>
        )}
        <a className="button" href={exportUrl("prometheus")} download="rules.yaml">
          <Download size={14} aria-hidden /> Prometheus
        </a>
        <a className="button" href={exportUrl("bellrock")} download="rules-bellrock.yaml">
          <Download size={14} aria-hidden /> With extensions
        </a>
      </div>
      <div className={styles.scroll}>
        <QueryState
          result={rules}
          queryKey={["rules"]}
          isEmpty={() => groups.length === 0}
          empty={
            q || only ? (
              <Empty reason="filtered" title="No rule matches">
                <button type="button" className="button" onClick={() => patch({ q: undefined, only: undefined })}>
                  Show all rules
                </button>
              </Empty>
            ) : (
              <Empty reason="never-received" title="There are no rules yet">
                <p>A rule says when somebody must be told. Files of Prometheus are taken as they are.</p>
                <p className={styles.actions}>
                  <Link to="/alerts/rules/new" className="button primary">
                    New rule
                  </Link>
                  <Link to="/import" className="button">
                    Import a file
                  </Link>
                </p>
              </Empty>
            )
          }
        >
          {() => (
            <table className="table">
              <thead>
                <tr>
                  <th>Rule</th>
                  <th>State</th>
                  <th>Severity</th>
                  <th>Evaluation</th>
                  <th className="number">Took</th>
                  <th>Last</th>
                  <th>Next</th>
                  <th>Expression</th>
                </tr>
              </thead>
              {groups.map(({ group, shown }) => (
                <GroupRows
                  key={`${group.file} ${group.name}`}
                  group={group}
                  rules={shown}
                  cursor={cursor}
                  onCursor={setCursor}
                  onRemove={() => setRemoving(group)}
                />
              ))}
            </table>
          )}
        </QueryState>
      </div>
      {removing && (
        <Dialog
          title={`Remove the group ${removing.name}`}
          onClose={() => setRemoving(null)}
          footer={
            <>
              <button type="button" className="button" onClick={() => setRemoving(null)}>
                Keep it
              </button>
              <button
                type="button"
                className="button primary"
                onClick={() =>
                  void removeGroup(removing.name).then(
                    () => {
                      setRemoving(null);
                      void client.invalidateQueries({ queryKey: ["rules"] });
                    },
                    (error: Error) => setFailure(error),
                  )
                }
              >
                Remove {plural(removing.rules.length, "rule")}
              </button>
            </>
          }
        >
          <p>Its alerts end, and nobody is told of them any more. Export the rules first if you may want them again.</p>
          <ul className={styles.removed}>
            {removing.rules.slice(0, 20).map((rule) => (
              <li key={rule.name}>{rule.name}</li>
            ))}
          </ul>
          {failure && <ErrorBox error={failure} />}
        </Dialog>
      )}
    </>
  );
}

interface GroupRowsProps {
  group: RuleGroup;
  rules: readonly Rule[];
  cursor: string;
  onCursor: (key: string) => void;
  onRemove: () => void;
}

function GroupRows({ group, rules, cursor, onCursor, onRemove }: GroupRowsProps) {
  const now = serverNow();
  return (
    <tbody>
      <tr className={styles.groupRow}>
        <th colSpan={8} scope="rowgroup">
          <span className={styles.groupHead}>
            <strong>{group.name}</strong>
            <span className="faint">
              {plural(group.rules.length, "rule")}, every {formatDuration(group.interval * 1e9)},{" "}
              {group.file === "api" ? "made here" : `from ${group.file}`}
            </span>
            {(group.missed ?? 0) > 0 && <LimitBadge>{plural(group.missed ?? 0, "evaluation")} left out</LimitBadge>}
            <span className="grow" />
            {group.file === "api" && (
              <button
                type="button"
                className="button quiet small"
                aria-label={`Remove ${group.name}`}
                onClick={onRemove}
              >
                Remove
              </button>
            )}
          </span>
        </th>
      </tr>
      {rules.map((rule, at) => {
        const key = ruleKey(group.name, rule.name);
        const last = Date.parse(rule.lastEvaluation);
        const known = last > 0;
        return (
          <tr
            key={`${at} ${rule.name}`}
            id={`rule-${key}`}
            aria-selected={cursor === key}
            onClick={() => onCursor(key)}
          >
            <td className={styles.ruleName}>
              <Link to="/alerts/rules/$id" params={{ id: key }} title={rule.name}>
                {rule.name}
              </Link>
            </td>
            <td>
              {rule.type === "alerting" ? (
                <>
                  <StateTag state={rule.state === "firing" || rule.state === "pending" ? rule.state : "inactive"} />{" "}
                  {rule.alerts.length > 0 && <span className="faint">{rule.alerts.length}</span>}
                </>
              ) : (
                <span className="faint">–</span>
              )}
            </td>
            <td>
              {rule.type === "alerting" ? (
                <SeverityTag severity={rule.labels.severity ?? ""} />
              ) : (
                <span className="faint">records</span>
              )}
            </td>
            <td>
              <Health rule={rule} />
            </td>
            <td className="number">{formatDuration(rule.evaluationTime * 1e9)}</td>
            <td>{known ? formatRelative(last, now) : <span className="faint">not yet</span>}</td>
            <td className="muted">
              {known ? formatRelative(Math.max(now, last + group.interval * 1000), now) : "soon"}
            </td>
            <td className={styles.cell} title={rule.query}>
              <code>{rule.query}</code>
            </td>
          </tr>
        );
      })}
    </tbody>
  );
}

export function Health({ rule }: { rule: Rule }) {
  if (rule.health === "err") {
    return (
      <span className="badge error" title={rule.lastError}>
        fails
      </span>
    );
  }
  return (
    <span className={`badge ${rule.health === "ok" ? "ok" : ""}`}>{rule.health === "ok" ? "works" : "not yet"}</span>
  );
}
