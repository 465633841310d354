// GET /api/v1/notifications: every message that was sent or could not be, with its attempts and their steps.
import { request } from "./client.ts";
import { blank, bool, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

export interface Step {
  /** "render", "resolve", "connect", "tls", "answer", .. */
  step: string;
  ok: boolean;
  summary: string;
  /** Of the answer. */
  code: number | null;
  body: string;
  latency_ms: number | null;
}

export const step = object<Step>({
  step: blank,
  ok: withDefault(bool, true),
  summary: blank,
  code: nullable(number),
  body: blank,
  latency_ms: nullable(number),
});

export interface Attempt {
  number: number;
  outcome: string;
  reason: string;
  latency_ms: number;
  steps: Step[];
}

export interface Notification {
  id: number;
  time_ms: number;
  receiver: string;
  channel: string;
  target: string;
  /** "delivered", "failed" or "suppressed". */
  outcome: string;
  /** Why it did not work. */
  reason: string;
  group_key: string;
  /** Why it was sent: "first notification", .. */
  notification_reason: string;
  firing: number;
  resolved: number;
  /** Fingerprints. */
  alerts: string[];
  attempts: Attempt[];
  attempt_count: number;
  latency_ms: number;
}

/** A message that has not arrived yet and is tried again. */
export interface OnTheWay {
  receiver: string;
  channel: string;
  target: string;
  /** How many. */
  alerts: number;
  since_ms: number;
  attempt_count: number;
  next_attempt_ms: number | null;
  last_failure: { reason: string } | null;
}

const page = object<{ notifications: Notification[]; next_before: number | null; on_the_way: OnTheWay[] }>({
  notifications: list(
    object<Notification>({
      id: number,
      time_ms: zero,
      receiver: blank,
      channel: blank,
      target: blank,
      outcome: blank,
      reason: blank,
      group_key: blank,
      notification_reason: blank,
      firing: zero,
      resolved: zero,
      alerts: withDefault(list(text), []),
      attempts: withDefault(
        list(
          object<Attempt>({
            number: zero,
            outcome: blank,
            reason: blank,
            latency_ms: zero,
            steps: withDefault(list(step), []),
          }),
        ),
        [],
      ),
      attempt_count: zero,
      latency_ms: zero,
    }),
  ),
  next_before: nullable(number),
  on_the_way: withDefault(
    list(
      object<OnTheWay>({
        receiver: blank,
        channel: blank,
        target: blank,
        alerts: zero,
        since_ms: zero,
        attempt_count: zero,
        next_attempt_ms: nullable(number),
        last_failure: nullable(object<{ reason: string }>({ reason: blank })),
      }),
    ),
    [],
  ),
});

export interface NotificationQuery {
  receiver?: string | undefined;
  /** Words in receiver, channel, reason; servers may not know it. */
  q?: string | undefined;
  /** Fingerprint; servers may not know it. */
  alert?: string | undefined;
  outcome?: string | undefined;
  before?: number | undefined;
  limit: number;
}

export async function fetchNotifications(query: NotificationQuery, signal: AbortSignal) {
  return (await request({ path: "api/v1/notifications", params: { ...query }, decode: page, signal })).value;
}
