// One alert: what it is about, why somebody was told or nobody was, its value over time, every evaluation, every message,
// what keeps it quiet, and when it fired before.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellOff, Check } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import type { BatchSeries } from "../../api/batch.ts";
import { serverNow } from "../../api/client.ts";
import { fetchNotifications } from "../../api/notifications.ts";
import { CodeText } from "../../components/CodeText.tsx";
import { Empty, ErrorBox, Skeleton } from "../../components/States.tsx";
import { WideTable } from "../../components/WideTable.tsx";
import { holds } from "../../lib/comparison.ts";
import { term } from "../../lib/filter.ts";
import { formatDuration, formatInstant, formatRelative } from "../../lib/time/format.ts";
import { absoluteRange } from "../../lib/time/range.ts";
import { formatValue } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import { AcknowledgeDialog } from "./AcknowledgeDialog.tsx";
import detail from "./AlertDetail.module.css";
import styles from "./Alerts.module.css";
import { DeliveryList } from "./DeliveryList.tsx";
import { ExpressionChart, useExpression } from "./ExpressionChart.tsx";
import { thresholdText, unitOf } from "./figures.ts";
import { LabelList } from "./LabelList.tsx";
import { firingMilli, type Stretch, selectorOf, stepFor, stretchesOf } from "./lanes.ts";
import { QuietProof } from "./QuietProof.tsx";
import { matchersOf, SilenceDialog } from "./SilenceDialog.tsx";
import { LaneKey, StateLane } from "./StateLane.tsx";
import { SeverityTag, StateTag } from "./Tags.tsx";
import { readable, Timeline } from "./Timeline.tsx";
import { ruleKey, seriesOf, type TriageRow } from "./triage.ts";
import { useAlert } from "./useAlert.ts";
import { REFRESH_MS } from "./useTriage.ts";

const MESSAGES = 200;
const MESSAGES_SHOWN = 12;
const EVALUATIONS = 60;
const DAYS_BACK = 7;
const DAY_MILLI = 86_400_000;
const AROUND_MILLI = 600_000;
const PAST_MAX = 20;

export function AlertDetail({ fingerprint, compact = false }: { fingerprint: string; compact?: boolean }) {
  const alert = useAlert(fingerprint);
  const [open, setOpen] = useState<"silence" | "acknowledge" | null>(null);
  const [notice, setNotice] = useState("");
  const { row } = alert;
  if (!row) {
    if (alert.why.isPending || alert.rules.isPending) return <Skeleton />;
    return (
      <Empty reason="none" title="Nothing is known of this alert">
        <p>
          <code>{fingerprint}</code> neither fires nor is there anything written down about it; that is kept for 30
          days.
        </p>
        <Link to="/alerts" className="button">
          All alerts
        </Link>
      </Empty>
    );
  }
  const done = (words: string) => {
    setOpen(null);
    setNotice(words);
  };
  return (
    <div data-compact={compact} className={detail.root}>
      <Header row={row} live={alert.live} onOpen={setOpen} />
      {notice && (
        <p className={styles.notice} role="status">
          {notice}
        </p>
      )}
      <WhySection alert={alert} />
      {row.rule && <ValueSection row={row} rule={row.rule} />}
      <Section title="What happened" note="from the sample to the message">
        {alert.why.error && !alert.why.data ? (
          <p className={`${styles.body} faint`}>{alert.why.error.message}</p>
        ) : (
          <Timeline events={alert.why.data?.timeline ?? []} />
        )}
      </Section>
      <MessagesSection fingerprint={fingerprint} />
      {row.rule && <EvaluationsSection row={row} rule={row.rule} />}
      <PastSection row={row} />
      {open === "silence" && (
        <SilenceDialog matchers={matchersOf(row.labels)} onClose={() => setOpen(null)} onDone={done} />
      )}
      {open === "acknowledge" && <AcknowledgeDialog rows={[row]} onClose={() => setOpen(null)} onDone={done} />}
    </div>
  );
}

function Section({
  title,
  note,
  tools,
  children,
}: {
  title: string;
  note?: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={styles.section} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {note && <span className="faint">{note}</span>}
        <span className="grow" />
        {tools}
      </header>
      {children}
    </section>
  );
}

interface HeaderProps {
  row: TriageRow;
  live: boolean;
  onOpen: (which: "silence" | "acknowledge") => void;
}

function Header({ row, live, onOpen }: HeaderProps) {
  const { zone } = useTime();
  const now = serverNow();
  const unit = unitOf(row.rule?.rule ?? null);
  const runbook = row.annotations.runbook_url ?? row.annotations.runbook;
  return (
    <section className={`${styles.section} ${detail.head}`} aria-label={row.name}>
      <div className={detail.title}>
        <SeverityTag severity={row.severity} />
        <StateTag state={live ? row.state : "resolved"} />
        <h2>{row.name}</h2>
        {row.managed?.acknowledged && (
          <span className="badge ok">
            <Check size={11} aria-hidden /> {row.managed.acknowledged.by}
            {row.managed.acknowledged.comment && `: ${row.managed.acknowledged.comment}`}
          </span>
        )}
      </div>
      {row.annotations.summary && <p className={detail.summary}>{row.annotations.summary}</p>}
      {row.annotations.description && <p className="muted">{row.annotations.description}</p>}
      <LabelList labels={row.distinguishing} max={20} />
      <dl className={detail.facts}>
        {row.value !== null && Number.isFinite(row.value) && (
          <div>
            <dt>Value</dt>
            <dd>
              {formatValue(row.value, unit)}{" "}
              {row.rule?.comparison && <span className="muted">{thresholdText(row.rule.comparison, unit)}</span>}
            </dd>
          </div>
        )}
        {row.since !== null && (
          <div>
            <dt>Since</dt>
            <dd>
              {formatInstant(row.since, zone, false)}{" "}
              <span className="muted">{formatDuration(Math.max(1000, now - row.since) * 1e6)}</span>
            </dd>
          </div>
        )}
        {row.rule && row.rule.rule.duration > 0 && (
          <div>
            <dt>Must hold for</dt>
            <dd>{formatDuration(row.rule.rule.duration * 1e9)}</dd>
          </div>
        )}
      </dl>
      <div className={styles.actions}>
        {row.managed && (
          <button type="button" className="button" onClick={() => onOpen("acknowledge")}>
            <Check size={14} aria-hidden /> Acknowledge
          </button>
        )}
        <button type="button" className="button" onClick={() => onOpen("silence")}>
          <BellOff size={14} aria-hidden /> Silence
        </button>
        {runbook && (
          <a className="button" href={runbook} target="_blank" rel="noreferrer">
            Runbook
          </a>
        )}
        <RelatedLinks row={row} />
      </div>
    </section>
  );
}

/** Traces, logs and the comparison of attributes around the time of the alert. */
function RelatedLinks({ row }: { row: TriageRow }) {
  const now = serverNow();
  const from = (row.since ?? now - AROUND_MILLI) - AROUND_MILLI;
  const window = absoluteRange({ fromMilli: from, toMilli: now });
  const service = row.labels.service ?? row.labels.service_name;
  const q = service ? term("service", service) : undefined;
  const began = absoluteRange({ fromMilli: Math.min(row.since ?? from, now - 60_000), toMilli: now });
  return (
    <>
      <Link to="/traces" search={{ ...window, q }} className="button">
        Traces
      </Link>
      <Link to="/logs" search={{ ...window, q }} className="button">
        Logs
      </Link>
      <Link
        to="/explain"
        search={{ ...window, q, select: "status:error", sfrom: began.from, sto: began.to }}
        className="button"
      >
        Explain
      </Link>
      {row.rule && (
        <>
          {row.rule.rule.source === "promql" && (
            <Link to="/metrics" search={{ q: row.rule.comparison?.left ?? row.rule.rule.query }} className="button">
              Metrics
            </Link>
          )}
          <Link to="/alerts/rules/$id" params={{ id: ruleKey(row.rule.group, row.rule.rule.name) }} className="button">
            Rule
          </Link>
        </>
      )}
    </>
  );
}

function WhySection({ alert }: { alert: ReturnType<typeof useAlert> }) {
  const { zone } = useTime();
  const { why, row } = alert;
  if (!why.data) return null;
  const waiting = why.data.groups.filter((group) => group.next_flush_ms > 0);
  return (
    <Section title={why.data.notified ? "Who was told" : "Why nobody was told"}>
      <div className={styles.body}>
        <p className={detail.answer}>
          <CodeText>{readable(why.data.answer, zone)}</CodeText>
        </p>
        {row?.managed && <QuietProof alert={row.managed} />}
        {waiting.length > 0 && (
          <WideTable label="Table of groups">
            <table className="table">
              <thead>
                <tr>
                  <th>Receiver</th>
                  <th>Group</th>
                  <th>Next look at the group</th>
                </tr>
              </thead>
              <tbody>
                {waiting.map((group) => (
                  <tr key={`${group.receiver} ${group.group_key}`}>
                    <td>{group.receiver}</td>
                    <td className={styles.cell} title={group.group_key}>
                      <code>{group.group_key}</code>
                    </td>
                    <td>
                      {formatRelative(group.next_flush_ms, serverNow())}{" "}
                      <span className="faint">{group.flushed ? "has been told before" : "not told yet"}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </WideTable>
        )}
      </div>
    </Section>
  );
}

type WithRule = { row: TriageRow; rule: NonNullable<TriageRow["rule"]> };

function useLane(row: TriageRow, range: { fromMilli: number; toMilli: number }, interval: number) {
  const query = selectorOf("ALERTS", row.labels);
  const { result, stepMilli } = useExpression(Object.keys(row.labels).length > 0 ? query : "", range, interval);
  const end = range.toMilli;
  return useMemo(() => stretchesOf(result.data?.series ?? [], stepMilli, end), [result.data, stepMilli, end]);
}

function ValueSection({ row, rule }: WithRule) {
  const { range, zone } = useTime();
  const stretches = useLane(row, range, rule.interval);
  const pick = useMemo(() => {
    return (series: readonly BatchSeries[]) => {
      const found = seriesOf(series, row);
      return found ? [found] : [];
    };
  }, [row]);
  if (rule.rule.source !== "promql") return null;
  const query = rule.comparison?.left ?? rule.rule.query;
  return (
    <Section title="Value" note={<code>{query}</code>} tools={<LaneKey />}>
      <ExpressionChart
        label={row.name}
        query={query}
        comparison={rule.comparison}
        unit={unitOf(rule.rule)}
        range={range}
        interval={rule.interval}
        pick={pick}
        stretches={stretches}
      />
      <StateLane title={row.name} stretches={stretches} range={range} zone={zone} underChart />
    </Section>
  );
}

function MessagesSection({ fingerprint }: { fingerprint: string }) {
  const { zone } = useTime();
  const messages = useQuery({
    queryKey: ["messages", fingerprint],
    queryFn: ({ signal }) => fetchNotifications({ alert: fingerprint, limit: MESSAGES }, signal),
    refetchInterval: REFRESH_MS,
  });
  const mine = (messages.data?.notifications ?? []).filter((message) => message.alerts.includes(fingerprint));
  return (
    <Section title="Messages" note="every attempt to tell somebody">
      {messages.error ? (
        <ErrorBox error={messages.error} />
      ) : mine.length === 0 ? (
        <p className={`${styles.body} faint`}>
          {messages.isPending ? "asking" : "No message about it is in the log of messages."}
        </p>
      ) : (
        <>
          <DeliveryList notifications={mine.slice(0, MESSAGES_SHOWN)} nowMilli={serverNow()} zone={zone} />
          {mine.length > MESSAGES_SHOWN && (
            <p className={styles.body}>
              <Link to="/alerts/deliveries" search={{ q: fingerprint }}>
                {mine.length >= MESSAGES ? "Older ones" : `All ${mine.length}`}
              </Link>
            </p>
          )}
        </>
      )}
    </Section>
  );
}

function EvaluationsSection({ row, rule }: WithRule) {
  const { range, zone } = useTime();
  const [all, setAll] = useState(false);
  const query = rule.comparison?.left ?? rule.rule.query;
  const last = useMemo(
    () => ({
      fromMilli: Math.max(range.fromMilli, range.toMilli - EVALUATIONS * rule.interval * 1000),
      toMilli: range.toMilli,
    }),
    [range, rule.interval],
  );
  const { result } = useExpression(rule.rule.source === "promql" ? query : "", last, rule.interval);
  const stretches = useLane(row, last, rule.interval);
  const series = seriesOf(result.data?.series ?? [], row);
  const unit = unitOf(rule.rule);
  if (!series) return null;
  const rows = series.times
    .map((time, at) => ({ time, value: series.values[at] ?? null }))
    .toReversed()
    .slice(0, EVALUATIONS);
  const stateAt = (time: number) =>
    stretches.find((each) => each.fromMilli <= time && time < each.toMilli)?.state ?? "inactive";
  const shown = all ? rows : rows.slice(0, 10);
  return (
    <Section title="Evaluations" note={`every ${formatDuration(rule.interval * 1e9)}, the newest first`}>
      <table className="table">
        <thead>
          <tr>
            <th>Time</th>
            <th className="number">Value</th>
            <th>Condition</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ time, value }) => {
            const fits =
              value !== null &&
              rule.comparison !== null &&
              holds(value, rule.comparison.operator, rule.comparison.threshold);
            return (
              <tr key={time}>
                <td>{formatInstant(time, zone, false)}</td>
                <td className="number">
                  {value === null ? <span className="faint">no value</span> : formatValue(value, unit)}
                </td>
                <td>
                  {rule.comparison === null ? (
                    <span className="faint">–</span>
                  ) : (
                    <>
                      {thresholdText(rule.comparison, unit)}{" "}
                      <span className={fits ? detail.bad : "muted"}>{fits ? "holds" : "does not hold"}</span>
                    </>
                  )}
                </td>
                <td>
                  <StateTag state={stateAt(time)} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length > shown.length && (
        <p className={styles.body}>
          <button type="button" className="button small" onClick={() => setAll(true)}>
            All {rows.length}
          </button>
        </p>
      )}
    </Section>
  );
}

function PastSection({ row }: { row: TriageRow }) {
  const { asOfMilli, zone } = useTime();
  const range = useMemo(() => ({ fromMilli: asOfMilli - DAYS_BACK * DAY_MILLI, toMilli: asOfMilli }), [asOfMilli]);
  const interval = stepFor(DAYS_BACK * DAY_MILLI, 2000) / 1000;
  const stretches = useLane(row, range, interval);
  const firings = stretches.filter((each) => each.state === "firing").toReversed();
  return (
    <Section
      title="Fired before"
      note={`the last ${DAYS_BACK} d, to ${formatDuration(interval * 1e9)}`}
      tools={<LaneKey />}
    >
      <div className={styles.body}>
        <StateLane title={row.name} stretches={stretches} range={range} zone={zone} />
        {firings.length === 0 ? (
          <p className="faint">It did not fire.</p>
        ) : (
          <>
            <p className="muted">
              {firings.length} {firings.length === 1 ? "time" : "times"}, {formatDuration(firingMilli(stretches) * 1e6)}{" "}
              together
            </p>
            <ul className={detail.past}>
              {firings.slice(0, PAST_MAX).map((each) => (
                <li key={each.fromMilli}>
                  <PastLink stretch={each} />
                </li>
              ))}
            </ul>
            {firings.length > PAST_MAX && <p className="faint">and {firings.length - PAST_MAX} more</p>}
          </>
        )}
      </div>
    </Section>
  );
}

/** Shows the page for the time of a firing. */
function PastLink({ stretch }: { stretch: Stretch }) {
  const { zone } = useTime();
  const around = absoluteRange({
    fromMilli: stretch.fromMilli - AROUND_MILLI,
    toMilli: stretch.toMilli + (stretch.open ? 0 : AROUND_MILLI),
  });
  return (
    <>
      <Link to="." search={(old: Record<string, unknown>) => ({ ...old, ...around })}>
        {formatInstant(stretch.fromMilli, zone, false)}
      </Link>{" "}
      <span className="muted">
        {formatDuration((stretch.toMilli - stretch.fromMilli) * 1e6)}
        {stretch.open && ", still"}
      </span>
    </>
  );
}
