// Receivers with their channels, their test, the routes, and the configuration that they come from.
import { ApiError, exchangeText, request, sendJson, streamLines } from "./client.ts";
import {
  anything,
  blank,
  bool,
  isObject,
  list,
  nullable,
  number,
  object,
  record,
  text,
  withDefault,
  words,
} from "./decode.ts";
import { type Step, step } from "./notifications.ts";
import { type Finding, findings } from "./rules.ts";

export interface Channel {
  /** As `slack[0]`. */
  name: string;
  integration: string;
  enabled: boolean;
  disabled_because: string;
  target: string;
  send_resolved: boolean;
  settings: Record<string, unknown>;
  /** How it fares; null when the server does not say. */
  condition: ChannelCondition | null;
}

export interface ChannelCondition {
  /** "unknown" before anything was sent, "delivering" or "failing". */
  state: string;
  delivered_ms: number | null;
  failing_since_ms: number | null;
  last_failure: { time_ms: number; reason: string; code: number | null } | null;
}

export interface Receiver {
  name: string;
  channels: Channel[];
  /** Keys of the routes that lead to it. */
  routes: string[];
}

const receivers = object<{ receivers: Receiver[] }>({
  receivers: list(
    object<Receiver>({
      name: text,
      channels: withDefault(
        list(
          object<Channel>({
            name: text,
            integration: blank,
            enabled: withDefault(bool, false),
            disabled_because: blank,
            target: blank,
            send_resolved: withDefault(bool, false),
            settings: withDefault(record(anything), {}),
            condition: nullable(
              object<ChannelCondition>({
                state: blank,
                delivered_ms: nullable(number),
                failing_since_ms: nullable(number),
                last_failure: nullable(
                  object<NonNullable<ChannelCondition["last_failure"]>>({
                    time_ms: withDefault(number, 0),
                    reason: blank,
                    code: nullable(number),
                  }),
                ),
              }),
            ),
          }),
        ),
        [],
      ),
      routes: words,
    }),
  ),
});

export async function fetchReceivers(signal: AbortSignal): Promise<Receiver[]> {
  return (await request({ path: "api/v1/channels", decode: receivers, signal })).value.receivers;
}

export interface TestLine {
  channel: string;
  /** Null in the last line of a channel. */
  step: Step | null;
  /** "delivered", "retry", "failed" or "disabled". */
  outcome: string;
  reason: string;
  latency_ms: number | null;
  /** Whether the message was made from the alert that was sent along. */
  ownAlert: boolean;
}

/** Sends a test message; each line is handed over as it comes. */
export function testChannel(
  receiver: string,
  channel: string | null,
  alert: { labels: Record<string, string>; annotations: Record<string, string> } | null,
  onLine: (line: TestLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = channel === null ? "" : `?channel=${encodeURIComponent(channel)}`;
  const path = `api/v1/channels/${encodeURIComponent(receiver)}/test${query}`;
  return streamLines(path, alert ?? undefined, (line) => onLine(readLine(line)), signal);
}

function readLine(line: unknown): TestLine {
  const raw = object<Omit<TestLine, "step" | "ownAlert"> & { step: string | null }>({
    channel: blank,
    step: nullable(text),
    outcome: blank,
    reason: blank,
    latency_ms: nullable(number),
  })(line);
  const ownAlert = isObject(line) && isObject(line.alert);
  return { ...raw, step: raw.step === null ? null : step(line), ownAlert };
}

export interface Route {
  key: string;
  receiver: string;
  matchers: string[];
  continue: boolean;
  group_by: string[];
  group_wait: string;
  group_interval: string;
  repeat_interval: string;
  mute_time_intervals: string[];
  active_time_intervals: string[];
  line: number;
  routes: Route[];
  /** Only in the answer of the tester. */
  group_labels: Record<string, string>;
}

const route = (value: unknown): Route =>
  object<Route>({
    key: blank,
    receiver: blank,
    matchers: words,
    continue: withDefault(bool, false),
    group_by: words,
    group_wait: blank,
    group_interval: blank,
    repeat_interval: blank,
    mute_time_intervals: words,
    active_time_intervals: words,
    line: withDefault(number, 0),
    routes: withDefault(list(route), []),
    group_labels: withDefault(record(text), {}),
  })(value);

export async function fetchRoutes(signal: AbortSignal): Promise<Route> {
  const tree = object<{ route: Route }>({ route });
  return (await request({ path: "api/v1/alertmanager/routes", decode: tree, signal })).value.route;
}

export async function matchRoutes(labels: Record<string, string>): Promise<Route[]> {
  const path = "api/v1/alertmanager/routes/match";
  const found = object<{ routes: Route[] }>({ routes: list(route) });
  return (await sendJson({ method: "POST", path, body: { labels }, decode: found })).routes;
}

export interface AlertmanagerConfig {
  /** "file", "api" or "default". */
  origin: string;
  path: string | null;
  valid_in_alertmanager: boolean;
  findings: Finding[];
  /** As Alertmanager would take it, without secrets. */
  normalised: string;
  /** The same as an object; null when the server does not give it. */
  document: Record<string, unknown> | null;
}

const config = object<AlertmanagerConfig>({
  origin: blank,
  path: nullable(text),
  valid_in_alertmanager: withDefault(bool, true),
  findings,
  normalised: blank,
  document: nullable(record(anything)),
});

export async function fetchConfig(signal: AbortSignal): Promise<AlertmanagerConfig> {
  return (await request({ path: "api/v1/alertmanager/config", decode: config, signal })).value;
}

export function saveConfig(yaml: string): Promise<AlertmanagerConfig> {
  return exchangeText("POST", "api/v1/alertmanager/config", {}, yaml, "application/yaml", config);
}

export interface Checked {
  usable: boolean;
  valid_in_alertmanager: boolean;
  findings: Finding[];
}

export function checkConfig(yaml: string, signal?: AbortSignal): Promise<Checked> {
  const checked = object<Checked>({
    usable: withDefault(bool, false),
    valid_in_alertmanager: withDefault(bool, false),
    findings,
  });
  return exchangeText("POST", "api/v1/alertmanager/config/check", {}, yaml, "text/plain", checked, signal);
}

/** The findings that stand beside an error. */
export function findingsOf(error: unknown): Finding[] {
  if (!(error instanceof ApiError) || !isObject(error.facts.body)) return [];
  const { body } = error.facts;
  const inner = isObject(body.error) ? body.error.findings : undefined;
  return findings(body.findings ?? inner);
}
