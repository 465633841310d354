// Everything that was sent, could not be sent, or was kept back: searchable, with every attempt.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { fetchReceivers } from "../../api/channels.ts";
import { serverNow } from "../../api/client.ts";
import { fetchNotifications, type OnTheWay } from "../../api/notifications.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatRelative } from "../../lib/time/format.ts";
import { useTime, useView } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { DeliveryList } from "./DeliveryList.tsx";

const PAGE = 100;
const ON_THE_WAY_MAX = 20;
const OUTCOMES = ["delivered", "failed", "suppressed"] as const;

/** Messages that are tried again, with the time of the next attempt. */
function OnTheWayList({ messages }: { messages: readonly OnTheWay[] }) {
  if (messages.length === 0) return null;
  const now = serverNow();
  return (
    <section className={styles.block} aria-label="On the way">
      <header className={styles.blockHead}>
        <h2>On the way</h2>
        <span className="faint">not delivered yet, and tried again</span>
      </header>
      <ul>
        {messages.slice(0, ON_THE_WAY_MAX).map((message, at) => (
          <li key={at}>
            {message.receiver} {message.channel} <span className="faint">{message.target}</span>:{" "}
            {plural(message.alerts, "alert")} since {formatRelative(message.since_ms, now)},{" "}
            {plural(message.attempt_count, "attempt")}
            {message.next_attempt_ms !== null && `, the next ${formatRelative(message.next_attempt_ms, now)}`}
            {message.last_failure && <span className={styles.problem}> {message.last_failure.reason}</span>}
          </li>
        ))}
      </ul>
      {messages.length > ON_THE_WAY_MAX && <p className="faint">and {messages.length - ON_THE_WAY_MAX} more</p>}
    </section>
  );
}

export function DeliveriesPage() {
  const { search, patch } = useView();
  const { zone } = useTime();
  const filter = useRef<HTMLInputElement>(null);
  const receivers = useQuery({ queryKey: ["receivers"], queryFn: ({ signal }) => fetchReceivers(signal) });
  const { group: receiver, only: outcome, q = "" } = search;
  const queryKey = ["deliveries", receiver, outcome, q];
  const pages = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      fetchNotifications({ receiver, outcome, q: q || undefined, before: pageParam, limit: PAGE }, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
    refetchInterval: 15_000,
    retry: false,
  });
  const all = useMemo(() => pages.data?.pages.flatMap((page) => page.notifications) ?? [], [pages.data]);
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  // A server that does not know the filter answers with everything.
  const shown = all.filter((message) => {
    const hay = [
      message.receiver,
      message.channel,
      message.target,
      message.outcome,
      message.reason,
      message.group_key,
      message.notification_reason,
      ...message.alerts,
      ...message.attempts.flatMap((attempt) => attempt.steps.map((step) => `${step.code ?? ""} ${step.body}`)),
    ]
      .join("\n")
      .toLowerCase();
    return words.every((word) => hay.includes(word));
  });
  useReport({
    asOfMilli: pages.dataUpdatedAt || null,
    elapsedMs: null,
    rowsScanned: all.length,
    partial: null,
    notes: [plural(shown.length, "message")],
    busy: pages.isFetching,
  });
  useKeys("page", "Deliveries", [{ keys: "/", label: "Filter", run: () => filter.current?.focus() }]);
  return (
    <>
      <AlertsNav />
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter deliveries"
          placeholder="Receiver, alert, answer, fingerprint (/)"
          value={q}
          onChange={(value) => patch({ q: value || undefined }, { replace: true })}
        />
        <select
          className="input"
          aria-label="Receiver"
          value={receiver ?? ""}
          onChange={(event) => patch({ group: event.target.value || undefined })}
        >
          <option value="">All receivers</option>
          {(receivers.data ?? []).map((each) => (
            <option key={each.name} value={each.name}>
              {each.name}
            </option>
          ))}
        </select>
        <select
          className="input"
          aria-label="Outcome"
          value={outcome ?? ""}
          onChange={(event) => patch({ only: event.target.value || undefined })}
        >
          <option value="">All outcomes</option>
          {OUTCOMES.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </div>
      <div className={styles.scroll}>
        {outcome === "suppressed" && pages.error ? (
          <Empty reason="none" title="This server keeps no list of what was kept back">
            <p>The page of an alert says why nobody was told of it.</p>
            <Link to="/alerts" search={{ only: "inhibited,silenced" }} className="button">
              Alerts that are quiet now
            </Link>
          </Empty>
        ) : (
          <QueryState
            result={pages}
            queryKey={queryKey}
            isEmpty={() => shown.length === 0 && !pages.hasNextPage}
            empty={
              q || receiver || outcome ? (
                <Empty reason="filtered" title="No message matches">
                  <button
                    type="button"
                    className="button"
                    onClick={() => patch({ q: undefined, group: undefined, only: undefined })}
                  >
                    Show all messages
                  </button>
                </Empty>
              ) : (
                <Empty reason="none" title="Nothing was sent yet">
                  <p>Every message, every attempt and every answer is written down here and kept for 30 days.</p>
                </Empty>
              )
            }
          >
            {() => (
              <>
                <OnTheWayList messages={pages.data?.pages[0]?.on_the_way ?? []} />
                <DeliveryList notifications={shown} nowMilli={serverNow()} zone={zone} />
                <p className={styles.more}>
                  {pages.hasNextPage ? (
                    <button
                      type="button"
                      className="button"
                      disabled={pages.isFetchingNextPage}
                      onClick={() => void pages.fetchNextPage()}
                    >
                      Older ones
                    </button>
                  ) : (
                    <span className="faint">That is everything; messages are kept for 30 days.</span>
                  )}
                </p>
              </>
            )}
          </QueryState>
        )}
      </div>
    </>
  );
}
