// Receivers and their channels: where messages go, whether that works, who uses it, and what was sent last.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { type Channel, fetchConfig, fetchReceivers, type Receiver } from "../../api/channels.ts";
import { serverNow } from "../../api/client.ts";
import { fetchNotifications } from "../../api/notifications.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, ErrorBox, Skeleton } from "../../components/States.tsx";
import { useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatRelative } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { ChannelTest } from "./ChannelTest.tsx";
import { ConfigNote } from "./ConfigNote.tsx";
import { DeliveryList, OutcomeTag } from "./DeliveryList.tsx";
import { ReceiverDialog } from "./ReceiverDialog.tsx";

const LAST = 50;
const SHOWN_TARGETS = 3;

export function useReceivers() {
  return useQuery({
    queryKey: ["receivers"],
    queryFn: ({ signal }) => fetchReceivers(signal),
    refetchInterval: 60_000,
  });
}

export function useConfig() {
  return useQuery({ queryKey: ["alertmanager-config"], queryFn: ({ signal }) => fetchConfig(signal) });
}

export function ChannelsPage() {
  const receivers = useReceivers();
  const config = useConfig();
  const [making, setMaking] = useState(false);
  const recent = useQuery({
    queryKey: ["messages-newest"],
    queryFn: ({ signal }) => fetchNotifications({ limit: 200 }, signal),
    refetchInterval: 30_000,
  });
  useReport({
    asOfMilli: receivers.dataUpdatedAt || null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: receivers.data ? [plural(receivers.data.length, "receiver")] : [],
    busy: receivers.isFetching,
  });
  useKeys("page", "Channels", [{ keys: "n", label: "New receiver", run: () => setMaking(true) }]);
  return (
    <>
      <AlertsNav>
        <button type="button" className="button small primary" onClick={() => setMaking(true)}>
          <Plus size={14} aria-hidden /> New receiver
        </button>
      </AlertsNav>
      <ConfigNote config={config.data ?? null} />
      <div className={styles.scroll}>
        <QueryState
          result={receivers}
          queryKey={["receivers"]}
          isEmpty={(data) => data.every((receiver) => receiver.channels.length === 0)}
          empty={
            <Empty reason="never-received" title="Nobody can be told yet">
              <p>A receiver has channels: email, Slack, a webhook and others. Routes say which alerts go to it.</p>
              <p className={styles.actions}>
                <button type="button" className="button primary" onClick={() => setMaking(true)}>
                  New receiver
                </button>
                <Link to="/import" className="button">
                  Import alertmanager.yml
                </Link>
              </p>
            </Empty>
          }
        >
          {(data) => (
            <ul className={styles.cards}>
              {data.map((receiver) => {
                const last = recent.data?.notifications.find((message) => message.receiver === receiver.name);
                return (
                  <li key={receiver.name} className={styles.card}>
                    <div className={styles.cardMain}>
                      <Link to="/alerts/channels/$id" params={{ id: receiver.name }} className={styles.strong ?? ""}>
                        {receiver.name}
                      </Link>
                      <ul className={styles.channelList}>
                        {receiver.channels.slice(0, SHOWN_TARGETS).map((channel) => (
                          <li key={channel.name}>
                            <ChannelLine channel={channel} />
                          </li>
                        ))}
                        {receiver.channels.length > SHOWN_TARGETS && (
                          <li className="faint">and {receiver.channels.length - SHOWN_TARGETS} more</li>
                        )}
                        {receiver.channels.length === 0 && <li className="faint">no channel: nobody is told</li>}
                      </ul>
                      <p className="muted">
                        {receiver.routes.length > 0
                          ? `used by ${plural(receiver.routes.length, "route")}`
                          : "no route leads here"}
                        {last && (
                          <>
                            , last message {formatRelative(last.time_ms, serverNow())}{" "}
                            <OutcomeTag outcome={last.outcome} />
                          </>
                        )}
                      </p>
                    </div>
                    <div className={styles.actions}>
                      <Link to="/alerts/channels/$id" params={{ id: receiver.name }} className="button small">
                        Open and test
                      </Link>
                    </div>
                  </li>
                );
              })}
            </ul>
          )}
        </QueryState>
      </div>
      {making && <ReceiverDialog config={config.data ?? null} receiver={null} onClose={() => setMaking(false)} />}
    </>
  );
}

export function ChannelLine({ channel }: { channel: Channel }) {
  return (
    <>
      <span className="badge">{channel.integration}</span>{" "}
      {channel.enabled ? (
        <>
          <span className={styles.target}>{channel.target}</span> <Condition channel={channel} />
        </>
      ) : (
        <span className={styles.problem}>disabled: {channel.disabled_because}</span>
      )}
    </>
  );
}

/** Whether messages arrive, and since when they do not. */
function Condition({ channel }: { channel: Channel }) {
  const { condition } = channel;
  if (!condition || condition.state === "unknown") return null;
  const now = serverNow();
  if (condition.state !== "failing") {
    return (
      <span className="badge ok">
        works{condition.delivered_ms !== null && `, ${formatRelative(condition.delivered_ms, now)}`}
      </span>
    );
  }
  return (
    <span className="badge error" title={condition.last_failure?.reason}>
      fails{condition.failing_since_ms !== null && ` since ${formatRelative(condition.failing_since_ms, now)}`}
    </span>
  );
}

/** One receiver: its channels with their settings, the test, the routes, and what was sent last. */
export function ChannelPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const receivers = useReceivers();
  const config = useConfig();
  const [editing, setEditing] = useState(false);
  const receiver = receivers.data?.find((each) => each.name === id);
  return (
    <>
      <AlertsNav />
      <div className={styles.page}>
        {receivers.error && <ErrorBox error={receivers.error} onRetry={() => void receivers.refetch()} />}
        {receivers.isPending && <Skeleton />}
        {receivers.data && !receiver && (
          <Empty reason="none" title={`There is no receiver ${id}`}>
            <Link to="/alerts/channels" className="button">
              All receivers
            </Link>
          </Empty>
        )}
        {receiver && (
          <>
            <section className={styles.section} aria-label={receiver.name}>
              <header>
                <h2>{receiver.name}</h2>
                <span className="faint">{plural(receiver.channels.length, "channel")}</span>
                <span className="grow" />
                <button type="button" className="button small" onClick={() => setEditing(true)}>
                  <Pencil size={14} aria-hidden /> Edit
                </button>
              </header>
              {receiver.channels.map((channel) => (
                <ChannelSection key={channel.name} receiver={receiver} channel={channel} />
              ))}
            </section>
            <RoutesOf receiver={receiver} />
            <LastMessages receiver={receiver.name} />
          </>
        )}
      </div>
      {editing && receiver && (
        <ReceiverDialog config={config.data ?? null} receiver={receiver} onClose={() => setEditing(false)} />
      )}
    </>
  );
}

function ChannelSection({ receiver, channel }: { receiver: Receiver; channel: Channel }) {
  const client = useQueryClient();
  const settings = Object.entries(channel.settings).filter(
    ([, value]) => value !== null && value !== "" && value !== false && !isEmptyObject(value),
  );
  return (
    <div className={styles.body}>
      <p className={styles.channelHead}>
        <strong>{channel.name}</strong> <ChannelLine channel={channel} />
        {channel.enabled && (
          <span className="muted">{channel.send_resolved ? "also tells the end" : "does not tell the end"}</span>
        )}
      </p>
      {settings.length > 0 && (
        <details>
          <summary>Settings</summary>
          <dl className={styles.settings}>
            {settings.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>
                </dd>
              </div>
            ))}
          </dl>
          <p className={styles.hint}>Secrets are never shown: {"<secret>"} stands for them.</p>
        </details>
      )}
      <ChannelTest
        receiver={receiver.name}
        channel={channel.name}
        alert={null}
        onDone={() => void client.invalidateQueries({ queryKey: ["messages-of", receiver.name] })}
      />
    </div>
  );
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function RoutesOf({ receiver }: { receiver: Receiver }) {
  return (
    <section className={styles.section} aria-label="Used by routes">
      <header>
        <h2>Used by routes</h2>
      </header>
      <div className={styles.body}>
        {receiver.routes.length === 0 ? (
          <p className="muted">No route leads here: nobody is told through it.</p>
        ) : (
          <ul>
            {receiver.routes.map((key) => (
              <li key={key}>
                <Link to="/alerts/routing" search={{ focus: key }}>
                  <code>{key === "{}" ? "the root: everything that no other route takes" : key}</code>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function LastMessages({ receiver }: { receiver: string }) {
  const { zone } = useTime();
  const messages = useQuery({
    queryKey: ["messages-of", receiver],
    queryFn: ({ signal }) => fetchNotifications({ receiver, limit: LAST }, signal),
    refetchInterval: 15_000,
  });
  return (
    <section className={styles.section} aria-label="Last deliveries">
      <header>
        <h2>Last deliveries</h2>
        <span className="grow" />
        <Link to="/alerts/deliveries" search={{ group: receiver }}>
          All deliveries
        </Link>
      </header>
      {messages.error && <ErrorBox error={messages.error} />}
      {messages.data &&
        (messages.data.notifications.length > 0 ? (
          <DeliveryList notifications={messages.data.notifications} nowMilli={serverNow()} zone={zone} />
        ) : (
          <p className={`${styles.body} faint`}>Nothing was sent yet; tests are not listed.</p>
        ))}
    </section>
  );
}
