// Alerts, receivers and objectives that a page of theirs should stand: names that are long, rules that fail, messages that nobody
// takes, promises without an indicator, budgets that are gone. Taken by a running server over its API; sent twice it is the same.
import { until } from "./journeys/server.mjs";

const LONG = "a_queue_with_a_very_long_name_that_nobody_can_remember_and_that_no_column_is_wide_enough_for";

const RULES = `groups:
  - name: seeded
    interval: 5s
    rules:
      - alert: QueueGrows
        expr: vector(7) > 5
        labels: {severity: critical, service: worker, queue: ${LONG}}
        annotations: {summary: "The queue ${LONG} has {{ $value }} entries", runbook_url: "/runbooks/queue"}
      - alert: DiskFills
        expr: vector(0.81) > 0.8
        labels: {severity: warning, service: database}
        annotations: {summary: "The disk is {{ $value | humanizePercentage }} full"}
      - alert: BackupRuns
        expr: vector(1) > 0
        labels: {severity: info, service: database, quiet: "yes"}
        annotations: {summary: "A backup runs"}
      - alert: SlowToFire
        expr: vector(1) > 0
        for: 12h
        labels: {severity: info}
      - alert: NothingToLookAt
        expr: nobody_sends_this_total > 3
        labels: {severity: warning}
      - alert: NotDivisible
        expr: vector(1) * on() group_left() (label_replace(vector(1), "a", "b", "", "") or label_replace(vector(1), "a", "c", "", "")) > 0
        labels: {severity: warning}
      - record: seeded:queue:length
        expr: vector(7)
`;

/** Messages go to where nobody takes them, which is said at once. */
const routes = (api) => `route:
  receiver: chat
  group_by: [alertname, service]
  group_wait: 1s
  group_interval: 5m
  repeat_interval: 1h
  routes:
    - matchers: [severity="critical"]
      receiver: people-on-call-of-the-department-with-the-longest-name-of-all
      continue: true
    - matchers: [severity="info"]
      receiver: nobody
receivers:
  - name: chat
    webhook_configs:
      - url: ${api}/nobody/chat
  - name: people-on-call-of-the-department-with-the-longest-name-of-all
    webhook_configs:
      - url: ${api}/nobody/one
      - url: ${api}/nobody/two
  - name: nobody
`;

const OBJECTIVES = `slos:
  seeded-checkout:
    title: Checkout works, and is fast enough that nobody who waits for it goes to make a cup of coffee in the meantime
    objective: 99.9%
    window: 30d
    indicator:
      events: {signal: traces, total: "kind:server", bad: "status:error"}
  seeded-database:
    title: The database answers
    objective: 99%
    window: 7d
    indicator:
      events: {signal: traces, total: "kind:client", bad: "status:error"}
error_budgets:
  seeded_promise: {slo: 95th_percentile < 500ms, window: 7d, budget: 5%}
`;

async function send(base, path, body, type) {
  const response = await fetch(`${base}${path}`, { method: "POST", headers: { "content-type": type }, body });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
}

/** Answers when the rules were evaluated, so that every page shows what came of them. */
export async function seedAlerts(api) {
  await send(api, "/api/v1/alertmanager/config", routes(api), "application/yaml");
  await send(api, "/api/v1/rules", RULES, "application/yaml");
  await send(api, "/api/v1/slos", OBJECTIVES, "application/yaml");
  const now = Date.now();
  const silence = {
    matchers: [{ name: "quiet", value: "yes", isRegex: false, isEqual: true }],
    startsAt: new Date(now).toISOString(),
    endsAt: new Date(now + 86_400_000).toISOString(),
    createdBy: "Ada",
    comment: "backups are looked at by those who make them",
  };
  await send(api, "/api/v2/silences", JSON.stringify(silence), "application/json");
  const ask = async (path) => (await fetch(`${api}${path}`)).json();
  await until("the seeded rules were evaluated", async () => {
    const { rules } = (await ask("/api/v1/rules")).data.groups.find(({ name }) => name === "seeded");
    return rules.every(({ health }) => health !== "unknown");
  });
  await until("the seeded alerts were told", async () => {
    const told = JSON.stringify((await ask("/api/v1/notifications")).notifications);
    return ["QueueGrows", "DiskFills"].every((name) => told.includes(name));
  });
}
