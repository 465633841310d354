// Triage: everything that needs somebody, the worst first, with what can be done about it under one key each.
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { takeBack } from "../../api/alerts.ts";
import { serverNow } from "../../api/client.ts";
import { expireSilence } from "../../api/silences.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, LimitBadge } from "../../components/States.tsx";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { formatCount, plural } from "../../lib/number.ts";
import { usePeek } from "../../lib/peek.ts";
import { useReport } from "../../lib/report.ts";
import { useView } from "../../lib/view.ts";
import { AcknowledgeDialog } from "./AcknowledgeDialog.tsx";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { matchersOf, SilenceDialog } from "./SilenceDialog.tsx";
import table from "./TriageTable.module.css";
import { TriageTable } from "./TriageTable.tsx";
import {
  countStates,
  type GroupBy,
  groupRows,
  matchesText,
  ruleKey,
  STATE_TITLES,
  STATES,
  type TriageRow,
  type TriageState,
} from "./triage.ts";
import { useTriage } from "./useTriage.ts";

const ROWS_MAX = 500;
const GROUPINGS: readonly { id: GroupBy; title: string }[] = [
  { id: "none", title: "No groups" },
  { id: "service", title: "By service" },
  { id: "alertname", title: "By alert" },
  { id: "severity", title: "By severity" },
];

type Open = { kind: "silence" | "acknowledge"; rows: TriageRow[] };
interface Notice {
  words: string;
  undo: (() => Promise<unknown>) | null;
}

export function TriagePage() {
  const { search, patch } = useView();
  const navigate = useNavigate();
  const peek = usePeek();
  const client = useQueryClient();
  const triage = useTriage();
  const filter = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<Open | null>(null);
  const [notice, setNotice] = useState<Notice | null>(null);
  const q = search.q ?? "";
  const by = GROUPINGS.find((each) => each.id === search.group)?.id ?? "none";
  const chosen = useMemo(
    () =>
      new Set(
        (search.only ?? "").split(",").filter((state): state is TriageState => STATES.includes(state as TriageState)),
      ),
    [search.only],
  );
  const counts = useMemo(() => countStates(triage.rows), [triage.rows]);
  const matching = useMemo(
    () => triage.rows.filter((row) => (chosen.size === 0 || chosen.has(row.state)) && matchesText(row, q)),
    [triage.rows, chosen, q],
  );
  const groups = useMemo(() => groupRows(matching.slice(0, ROWS_MAX), by), [matching, by]);
  const rows = useMemo(() => groups.flatMap((group) => group.rows), [groups]);
  const at = rows.findIndex((row) => row.key === cursor);
  const current = rows[at];
  useReport({
    asOfMilli: triage.rules.dataUpdatedAt || null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: [plural(triage.rows.length, "alert"), ...(triage.hidden > 0 ? [`${triage.hidden} not listed`] : [])],
    busy: triage.rules.isFetching,
  });
  const move = (step: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    if (!next) return;
    setCursor(next.key);
    document.getElementById(rowId(next.key))?.scrollIntoView({ block: "nearest" });
    if (peek.levels.length > 0) peek.open(levelOf(next));
  };
  const targets = (row: TriageRow | undefined): TriageRow[] => {
    if (marked.size > 0) return rows.filter((each) => marked.has(each.key));
    return row ? [row] : [];
  };
  const acknowledge = (row: TriageRow | undefined) => {
    const fits = targets(row).filter((each) => each.managed !== null);
    if (fits.length > 0) setOpen({ kind: "acknowledge", rows: fits });
  };
  const silence = (row: TriageRow | undefined) => {
    const fits = targets(row);
    if (fits.length > 0) setOpen({ kind: "silence", rows: fits });
  };
  const toggleState = (state: TriageState) => {
    const next = new Set(chosen);
    if (!next.delete(state)) next.add(state);
    patch({ only: STATES.filter((each) => next.has(each)).join(",") || undefined });
  };
  const toggleMark = (row: TriageRow | undefined) => {
    if (!row) return;
    const next = new Set(marked);
    if (!next.delete(row.key)) next.add(row.key);
    setMarked(next);
  };
  const openPage = (row: TriageRow | undefined) => {
    if (row) void navigate(pageOf(row));
  };
  useKeys("page", "Alerts", [
    ...rowKeys(move),
    { keys: "Home", label: "First row", run: () => move(-rows.length) },
    { keys: "End", label: "Last row", run: () => move(rows.length) },
    { keys: "Enter", label: "Show beside the list", run: () => current && peek.open(levelOf(current)) },
    { keys: "Space", label: "Show beside the list", run: () => current && peek.open(levelOf(current)) },
    { keys: "o", label: "Open as a page", run: () => openPage(current) },
    { keys: "a", label: "Acknowledge", run: () => acknowledge(current) },
    { keys: "shift+s", label: "Silence", run: () => silence(current) },
    { keys: "x", label: "Mark for several at once", run: () => toggleMark(current) },
    { keys: "/", label: "Filter", run: () => filter.current?.focus() },
  ]);
  const done = (words: string, undo: Notice["undo"]) => {
    setOpen(null);
    setMarked(new Set());
    setNotice({ words, undo });
  };
  const refresh = () => {
    for (const key of [["managed"], ["why"], ["silences"]]) void client.invalidateQueries({ queryKey: key });
  };
  return (
    <>
      <AlertsNav>
        <Link to="/alerts/rules/new" className="button small">
          New rule
        </Link>
      </AlertsNav>
      <div className={styles.tools}>
        <ul className={table.counts} aria-label="States">
          {STATES.map((state) => (
            <li key={state}>
              <button
                type="button"
                className={table.count}
                data-state={state}
                data-none={counts[state] === 0}
                aria-pressed={chosen.has(state)}
                onClick={() => toggleState(state)}
              >
                <strong>{formatCount(counts[state])}</strong> {STATE_TITLES[state]}
              </button>
            </li>
          ))}
        </ul>
        <span className="grow" />
        <FilterBox
          ref={filter}
          label="Filter alerts"
          placeholder="Filter: words, service=api (/)"
          value={q}
          onChange={(value) => patch({ q: value || undefined }, { replace: true })}
        />
        <select
          className="input"
          aria-label="Groups"
          value={by}
          onChange={(event) => patch({ group: event.target.value === "none" ? undefined : event.target.value })}
        >
          {GROUPINGS.map((each) => (
            <option key={each.id} value={each.id}>
              {each.title}
            </option>
          ))}
        </select>
        {matching.length > ROWS_MAX && (
          <LimitBadge>
            {ROWS_MAX} of {formatCount(matching.length)}, filter to see others
          </LimitBadge>
        )}
      </div>
      {notice && (
        <div className={styles.notice} role="status">
          <span className="grow">{notice.words}</span>
          {notice.undo && (
            <button
              type="button"
              className="button small"
              onClick={() => {
                void notice.undo?.().then(refresh);
                setNotice(null);
              }}
            >
              Undo
            </button>
          )}
          <button type="button" className="button quiet small" onClick={() => setNotice(null)}>
            Close
          </button>
        </div>
      )}
      {marked.size > 0 && (
        <div className={table.marked} role="status">
          <span className="grow">{plural(marked.size, "row")} marked</span>
          <button type="button" className="button small" onClick={() => acknowledge(undefined)}>
            Acknowledge
          </button>
          <button type="button" className="button small" onClick={() => silence(undefined)}>
            Silence
          </button>
          <button type="button" className="button quiet small" onClick={() => setMarked(new Set())}>
            Unmark
          </button>
        </div>
      )}
      <div className={styles.scroll}>
        <QueryState
          result={triage.rules}
          queryKey={["rules"]}
          partial={() =>
            triage.managed.error ? `what the alert manager knows is missing: ${triage.managed.error.message}` : null
          }
          isEmpty={() => matching.length === 0}
          empty={
            <NothingToDo
              rules={(triage.rules.data ?? []).reduce((sum, group) => sum + group.rules.length, 0)}
              filtered={triage.rows.length > 0}
              onClear={() => patch({ q: undefined, only: undefined })}
            />
          }
        >
          {() => (
            <TriageTable
              groups={groups}
              nowMilli={serverNow()}
              cursor={cursor}
              marked={marked}
              charts={triage.charts}
              messages={triage.messages}
              onCursor={setCursor}
              onPeek={(row) => peek.open(levelOf(row))}
              onAcknowledge={(row) => setOpen({ kind: "acknowledge", rows: [row] })}
              onSilence={(row) => setOpen({ kind: "silence", rows: [row] })}
            />
          )}
        </QueryState>
      </div>
      {open?.kind === "silence" && (
        <SilenceDialog
          matchers={commonMatchers(open.rows)}
          onClose={() => setOpen(null)}
          onDone={(words, id) => done(words, () => expireSilence(id))}
        />
      )}
      {open?.kind === "acknowledge" && (
        <AcknowledgeDialog
          rows={open.rows}
          onClose={() => setOpen(null)}
          onDone={(words) => {
            const ids = open.rows.flatMap((row) =>
              row.fingerprint && !row.managed?.acknowledged ? [row.fingerprint] : [],
            );
            done(words, ids.length > 0 ? () => Promise.all(ids.map(takeBack)) : null);
          }}
        />
      )}
    </>
  );
}

export function rowId(key: string): string {
  return `row-${encodeURIComponent(key)}`;
}

function levelOf(row: TriageRow) {
  if (row.fingerprint) return { kind: "alert", id: row.fingerprint };
  return { kind: "rule", id: ruleKey(row.rule?.group ?? "", row.rule?.rule.name ?? row.name) };
}

export function pageOf(row: TriageRow) {
  if (row.fingerprint) return { to: "/alerts/instances/$fp", params: { fp: row.fingerprint } } as const;
  const id = ruleKey(row.rule?.group ?? "", row.rule?.rule.name ?? row.name);
  return { to: "/alerts/rules/$id", params: { id } } as const;
}

/** Labels that all rows share; of a single row, all. */
function commonMatchers(rows: readonly TriageRow[]) {
  const [first, ...others] = rows;
  if (!first) return [];
  const shared = Object.entries(first.labels).filter(([name, value]) =>
    others.every((row) => row.labels[name] === value),
  );
  return matchersOf(Object.fromEntries(shared));
}

function NothingToDo({ rules, filtered, onClear }: { rules: number; filtered: boolean; onClear: () => void }) {
  if (filtered) {
    return (
      <Empty reason="filtered" title="No alert matches">
        <button type="button" className="button" onClick={onClear}>
          Show all alerts
        </button>
      </Empty>
    );
  }
  if (rules === 0) {
    return (
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
    );
  }
  return (
    <Empty reason="none" title="Nothing needs you">
      <p>{plural(rules, "rule")} are evaluated; none is pending or firing, none fails, none lacks data.</p>
      <Link to="/alerts/rules" className="button">
        Rules
      </Link>
    </Empty>
  );
}
