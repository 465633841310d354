// What happened to an alert, in words: it was evaluated, received, grouped, kept quiet, told.
import {
  BellOff,
  Check,
  CheckCheck,
  Circle,
  CircleCheck,
  Clock,
  Flame,
  Inbox,
  Layers,
  type LucideIcon,
  ShieldOff,
  TriangleAlert,
} from "lucide-react";
import { useMemo, useState } from "react";
import type { TimelineEvent } from "../../api/alerts.ts";
import { formatShort } from "../../lib/number.ts";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import detail from "./AlertDetail.module.css";
import styles from "./Alerts.module.css";

const ICONS: Record<string, LucideIcon> = {
  pending: Clock,
  firing: Flame,
  resolved: CircleCheck,
  received: Inbox,
  grouped: Layers,
  silenced: BellOff,
  muted: BellOff,
  inhibited: ShieldOff,
  acknowledged: Check,
  delivered: CheckCheck,
  notified: CheckCheck,
  failed: TriangleAlert,
  not_delivered: TriangleAlert,
};

const SHOWN_FIRST = 25;
const SHOWN_MAX = 500;

export interface Entry {
  event: TimelineEvent;
  /** How many of the same kind follow each other. */
  count: number;
  /** Of the oldest of them. */
  since: number;
}

/** The newest first; attempts that failed in the same way again and again are one entry. */
export function fold(events: readonly TimelineEvent[]): Entry[] {
  const out: Entry[] = [];
  const failed = ({ kind }: TimelineEvent) => kind === "attempt" || kind === "failed";
  const same = (a: TimelineEvent, b: TimelineEvent) =>
    ["receiver", "channel", "reason"].every((name) => a.data[name] === b.data[name]);
  for (const event of events.toReversed()) {
    const last = out.at(-1);
    if (last && failed(event) && failed(last.event) && same(event, last.event)) {
      last.count++;
      last.since = event.time_ms;
      // What became of all attempts says more than one of them.
      if (event.kind === "failed" && last.event.kind === "attempt")
        last.event = { ...event, time_ms: last.event.time_ms };
    } else out.push({ event, count: 1, since: event.time_ms });
  }
  return out;
}

export function Timeline({ events }: { events: readonly TimelineEvent[] }) {
  const { zone } = useTime();
  const [all, setAll] = useState(false);
  const entries = useMemo(() => fold(events), [events]);
  if (events.length === 0) return <p className={`${styles.body} faint`}>Nothing is written down yet.</p>;
  const shown = entries.slice(0, all ? SHOWN_MAX : SHOWN_FIRST);
  return (
    <ol className={detail.events}>
      {shown.map(({ event, count, since }, at) => {
        const Icon = ICONS[event.kind] ?? Circle;
        return (
          <li
            key={at}
            data-bad={event.kind === "firing" || event.kind === "failed" || event.data.outcome === "failed"}
            data-good={event.kind === "delivered" || event.kind === "resolved"}
          >
            <span className="muted" title={formatInstant(event.time_ms, zone)}>
              {formatInstant(event.time_ms, zone, false)}
            </span>
            <Icon size={14} aria-hidden />
            <span>
              {readable(inWords(event), zone)}
              {count > 1 && (
                <span className="muted">
                  {" "}
                  – {count} times since {formatInstant(since, zone, false)}
                </span>
              )}
            </span>
          </li>
        );
      })}
      {entries.length > shown.length && (
        <li>
          {all ? (
            <span className="faint">and {entries.length - shown.length} older ones</span>
          ) : (
            <button type="button" className="button small" onClick={() => setAll(true)}>
              All {entries.length}
            </button>
          )}
        </li>
      )}
    </ol>
  );
}

/** Instants of the server in the reader's zone. */
export function readable(text: string, zone: string): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (found) =>
    formatInstant(Date.parse(found), zone, false),
  );
}

const OWN_WORDS: Record<string, string> = {
  pending: "The condition began to hold",
  firing: "It fires",
  inactive: "The condition does not hold any more",
  resolved: "The alert manager was told that it ended",
  received: "The alert manager received it",
  grouped: "It joined a group",
};

/** The kind in words, then every fact that was written down with it. */
export function inWords({ kind, data }: TimelineEvent): string {
  const said = ownWords(kind, data);
  if (said) return said;
  const first = OWN_WORDS[kind] ?? kind.replaceAll("_", " ");
  const facts = Object.entries(data)
    .filter(([name, value]) => !UNSAID.has(name) && value !== null && value !== "")
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${factText(value)}`);
  return facts.length > 0 ? `${first}: ${facts.join(", ")}` : first;
}

const UNSAID = new Set(["rule", "expression", "labels", "starts_at", "ends_at"]);

function ownWords(kind: string, data: Record<string, unknown>): string | null {
  const text = (name: string) => (data[name] === null || data[name] === undefined ? "" : factText(data[name]));
  const to = `${text("receiver")} by ${text("channel")}`;
  const answer = [text("code") && `answer ${text("code")}`, text("reason")].filter(Boolean).join(": ");
  switch (kind) {
    case "grouped":
      return `It joined a group for ${text("receiver")}, route ${text("route")}`;
    case "attempt":
      return `An attempt to tell ${to} did not work${answer && `: ${answer}`}`;
    case "failed":
      return `${to} could not be told after ${text("attempt_count")} attempts${answer && `: ${answer}`}`;
    case "delivered":
    case "notified":
      return `${to} was told (${[text("notification_reason"), answer, text("latency_ms") && `${text("latency_ms")} ms`].filter(Boolean).join(", ")})`;
    default:
      return null;
  }
}

function factText(value: unknown): string {
  if (typeof value === "number") return formatShort(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}
