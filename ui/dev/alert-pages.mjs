// The pages of the alerts area, with ids from the server under test.
import { fileURLToPath } from "node:url";

const file = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The files of a real design, as they were written. */
export const DESIGN = [
  file("crates/alerting/tests/data/alert-rules.yaml"),
  file("tests/clients/data/alertmanager-config.yml"),
  file("ui/dev/journeys/design/error-budgets.yaml"),
  file("ui/dev/journeys/design/otel-collector-config.yaml"),
  file("ui/src/features/dashboards/shipped/application.json"),
  file("ui/src/features/dashboards/shipped/database.json"),
];

export async function alertPages(json) {
  const [alerts, rules, channels] = await Promise.all([
    json("/api/v2/alerts"),
    json("/api/v1/rules"),
    json("/api/v1/channels"),
  ]);
  const groups = rules.data?.groups ?? [];
  const group = groups.find((each) => each.rules.some((rule) => rule.state === "firing")) ?? groups[0];
  const rule = group?.rules.find((each) => each.state === "firing") ?? group?.rules[0];
  const receiver = (channels.receivers ?? []).find((each) => each.channels.length > 1) ?? channels.receivers?.[0];
  const list = Array.isArray(alerts) ? alerts : [];
  const quiet = list.find((alert) => alert.status.state === "suppressed");
  const loud = list.find((alert) => alert.status.state === "active");
  const expr = encodeURIComponent("sum by (service_name) (rate(traces_span_metrics_calls_total[5m])) > 0.1");
  const pages = [
    { name: "alerts", path: "/alerts" },
    { name: "alerts-groups", path: "/alerts?group=service" },
    { name: "alerts-none", path: "/alerts?q=nothing-like-this" },
    { name: "alerts-silence", path: "/alerts", act: (page) => keys(page, ["j", "Shift+S"]) },
    { name: "alerts-acknowledge", path: "/alerts?only=firing", act: (page) => keys(page, ["j", "a"]) },
    { name: "alerts-peek", path: "/alerts", act: (page) => keys(page, ["j", "Enter"]) },
    { name: "alert-unknown", path: "/alerts/instances/0000000000000001" },
    { name: "rules", path: "/alerts/rules" },
    {
      name: "rules-remove",
      path: "/alerts/rules",
      act: (page) =>
        page
          .getByRole("button", { name: /^Remove / })
          .first()
          .click(),
    },
    { name: "rules-none", path: "/alerts/rules?q=nothing-like-this" },
    { name: "rule-unknown", path: "/alerts/rules/nobody" },
    { name: "rule-new", path: "/alerts/rules/new" },
    { name: "rule-new-expr", path: `/alerts/rules/new?expr=${expr}&name=Calls` },
    { name: "silences", path: "/alerts/silences?only=all" },
    {
      name: "silences-window",
      path: "/alerts/silences",
      act: (page) => page.getByRole("button", { name: "New window" }).click(),
    },
    { name: "channels", path: "/alerts/channels" },
    {
      name: "channels-yaml",
      path: "/alerts/channels",
      act: (page) => page.getByRole("button", { name: "YAML" }).click(),
    },
    { name: "channels-new", path: "/alerts/channels", act: (page) => keys(page, ["n"]) },
    { name: "channel-unknown", path: "/alerts/channels/nobody" },
    { name: "routing", path: `/alerts/routing?q=${encodeURIComponent('alertname="A", severity="critical"')}` },
    { name: "deliveries", path: "/alerts/deliveries" },
    {
      name: "deliveries-open",
      path: "/alerts/deliveries",
      act: (page) =>
        page
          .getByRole("button", { name: /^Attempts of/ })
          .first()
          .click(),
    },
    { name: "deliveries-none", path: "/alerts/deliveries?q=nothing-like-this" },
  ];
  pages.push(
    { name: "import", path: "/import" },
    { name: "import-files", path: "/import", act: (page) => page.setInputFiles("input[type=file]", DESIGN) },
    {
      name: "import-text",
      path: "/import",
      act: async (page) => {
        await page.setInputFiles("input[type=file]", DESIGN.slice(1, 2));
        await page.getByRole("button", { name: "line 60" }).click();
      },
    },
  );
  if (loud) pages.push({ name: "alert", path: `/alerts/instances/${loud.fingerprint}` });
  if (quiet) pages.push({ name: "alert-quiet", path: `/alerts/instances/${quiet.fingerprint}` });
  if (rule) {
    const id = encodeURIComponent(`${group.name}/${rule.name}`);
    pages.push({ name: "rule", path: `/alerts/rules/${id}` });
    pages.push({ name: "rule-edit", path: `/alerts/rules/${id}/edit` });
    pages.push({
      name: "rule-test",
      path: `/alerts/rules/${id}`,
      act: async (page) => {
        await page.getByRole("button", { name: "Test-fire" }).click();
        await page.getByRole("button", { name: "Send a test" }).click();
      },
    });
  }
  if (receiver) {
    const path = `/alerts/channels/${encodeURIComponent(receiver.name)}`;
    pages.push({
      name: "channel",
      path,
      act: (page) => page.getByRole("button", { name: "Send a test" }).first().click(),
    });
    pages.push({ name: "channel-edit", path, act: (page) => page.getByRole("button", { name: "Edit" }).click() });
  }
  return pages;
}

async function keys(page, pressed) {
  for (const key of pressed) await page.keyboard.press(key);
}
