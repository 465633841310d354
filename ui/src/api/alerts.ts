// Alerts as the alert manager has them, what happened to one of them, and who takes care of it.
import { ApiError, request, sendJson } from "./client.ts";
import {
  anything,
  blank,
  bool,
  type Decoder,
  isObject,
  list,
  nullable,
  number,
  object,
  record,
  text,
  withDefault,
  words,
  zero,
} from "./decode.ts";

/** GET /api/v1/alerts of the Prometheus API: what the rules say now. */
export interface FiringAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** "pending" or "firing". */
  state: string;
  activeAt: string;
  value: string;
}

const texts = withDefault(record(text), {});

const answer = object<{ data: { alerts: FiringAlert[] } }>({
  data: object<{ alerts: FiringAlert[] }>({
    alerts: list(
      object<FiringAlert>({ labels: texts, annotations: texts, state: blank, activeAt: blank, value: blank }),
    ),
  }),
});

export async function fetchAlerts(signal: AbortSignal): Promise<FiringAlert[]> {
  return (await request({ path: "api/v1/alerts", decode: answer, signal })).value.data.alerts;
}

export interface Acknowledgement {
  by: string;
  comment: string;
  at_ms: number;
  until_ms: number | null;
}

export interface Notified {
  at_ms: number;
  receiver: string;
  channel: string;
  /** "delivered" or "failed". */
  outcome: string;
  reason: string;
}

/** An alert that fires, as the alert manager has it. */
export interface ManagedAlert {
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  starts_at_ms: number;
  ends_at_ms: number;
  generator_url: string;
  receivers: string[];
  /** "active", "suppressed" or "unprocessed". */
  state: string;
  silenced_by: string[];
  inhibited_by: string[];
  muted_by: string[];
  acknowledged: Acknowledgement | null;
  /** The newest message that named it; undefined when the server does not say. */
  notified: Notified | null | undefined;
  /** Why somebody was told, or nobody was. */
  answer: string;
}

const acknowledgement = object<Acknowledgement>({ by: blank, comment: blank, at_ms: zero, until_ms: nullable(number) });

const notified = object<Notified>({ at_ms: zero, receiver: blank, channel: blank, outcome: blank, reason: blank });

export const managedAlert: Decoder<ManagedAlert> = (value) => {
  const known = object<Omit<ManagedAlert, "notified">>({
    fingerprint: text,
    labels: texts,
    annotations: texts,
    starts_at_ms: zero,
    ends_at_ms: zero,
    generator_url: blank,
    receivers: words,
    state: blank,
    silenced_by: words,
    inhibited_by: words,
    muted_by: words,
    acknowledged: nullable(acknowledgement),
    answer: blank,
  })(value);
  const said = isObject(value) && "notified" in value;
  return { ...known, notified: said ? nullable(notified)((value as { notified: unknown }).notified) : undefined };
};

export interface Preview {
  count: number;
  quiet_already: number;
  alerts: ManagedAlert[];
  warnings: string[];
}

const preview = object<Preview>({
  count: zero,
  quiet_already: zero,
  alerts: withDefault(list(managedAlert), []),
  warnings: words,
});

/** What fires and fits the matchers, written as `severity="critical"`. */
export function previewSilence(matchers: readonly string[], signal?: AbortSignal): Promise<Preview> {
  return sendJson({
    method: "POST",
    path: "api/v1/silences/preview",
    body: { matchers },
    decode: preview,
    ...(signal ? { signal } : {}),
  });
}

const INSTANCES_MAX = 500;
const instances = object<{ alerts: ManagedAlert[]; total: number }>({ alerts: list(managedAlert), total: zero });
let instancesMissing = false;

/** Everything that fires; servers without the list answer through the preview of a silence that fits all. */
export async function fetchManaged(signal: AbortSignal): Promise<{ alerts: ManagedAlert[]; total: number }> {
  if (!instancesMissing) {
    try {
      const params = { limit: INSTANCES_MAX };
      return (await request({ path: "api/v1/alert-instances", params, decode: instances, signal })).value;
    } catch (error) {
      if (!(error instanceof ApiError && error.facts.status === 404)) throw error;
      instancesMissing = true;
    }
  }
  const all = await previewSilence([], signal);
  return { alerts: all.alerts, total: all.count };
}

export interface TimelineEvent {
  time_ms: number;
  kind: string;
  data: Record<string, unknown>;
}

export interface WhyGroup {
  receiver: string;
  group_key: string;
  next_flush_ms: number;
  flushed: boolean;
  quiet: unknown;
}

export interface Why {
  fingerprint: string;
  answer: string;
  notified: boolean;
  alert: ManagedAlert | null;
  groups: WhyGroup[];
  story: string[];
  timeline: TimelineEvent[];
}

const why = object<Why>({
  fingerprint: blank,
  answer: blank,
  notified: withDefault(bool, false),
  alert: nullable(managedAlert),
  groups: withDefault(
    list(
      object<WhyGroup>({
        receiver: blank,
        group_key: blank,
        next_flush_ms: zero,
        flushed: withDefault(bool, false),
        quiet: anything,
      }),
    ),
    [],
  ),
  story: words,
  timeline: withDefault(
    list(object<TimelineEvent>({ time_ms: zero, kind: blank, data: withDefault(record(anything), {}) })),
    [],
  ),
});

export async function fetchWhy(fingerprint: string, signal: AbortSignal): Promise<Why> {
  return (await request({ path: `api/v1/alerts/${encodeURIComponent(fingerprint)}/why`, decode: why, signal })).value;
}

export interface Care {
  by: string;
  comment: string;
  /** As `now+4h`. */
  until?: string;
}

export function acknowledge(fingerprint: string, care: Care): Promise<ManagedAlert> {
  return sendJson({ method: "POST", path: acknowledgePath(fingerprint), body: care, decode: managedAlert });
}

export function takeBack(fingerprint: string): Promise<ManagedAlert> {
  return sendJson({ method: "DELETE", path: acknowledgePath(fingerprint), decode: managedAlert });
}

function acknowledgePath(fingerprint: string): string {
  return `api/v1/alerts/${encodeURIComponent(fingerprint)}/acknowledge`;
}
