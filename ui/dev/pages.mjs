// Every page of the UI in every state worth a look. Ids come from the server under test, so the list fits any data.
import { readFileSync } from "node:fs";
import { alertPages } from "./alert-pages.mjs";
import { flag, option } from "./browser.mjs";
import { fakeDocuments } from "./fake-documents.mjs";

const application = readFileSync(
  new URL("../src/features/dashboards/shipped/application.json", import.meta.url),
  "utf8",
);
/** Dashboards that can be changed, whatever the server keeps. */
const prepare = (page) => fakeDocuments(page, { app: application });
const draft = (page) => page.getByLabel("Title of the dashboard").fill("Another title");

import { TRACES } from "./seed.mjs";

/** A file of promises: two that only say how much, and one that is wrong. */
const BUDGETS = `error_budgets:
  api_availability: {slo: 99.9%, window: 30d, budget: 0.1%}
  api_latency: {slo: 95th_percentile < 500ms, window: 7d, budget: 5%}
  broken: {slo: what, window: 7d}
`;

/** A name, an address, and what is done on the page before the picture is taken. */
export async function pages(base) {
  const json = async (path) => {
    const response = await fetch(base + path).catch(() => null);
    return response?.ok ? response.json().catch(() => ({})) : {};
  };
  const [{ services = [] }, { traces = [] }, { logs = [] }, { errors = [] }, { slos = [] }] = await Promise.all([
    json("/api/v1/services"),
    json("/api/v1/traces?limit=50"),
    json("/api/v1/logs?limit=20"),
    json("/api/v1/errors?limit=5"),
    json("/api/v1/slos"),
  ]);
  const service = encodeURIComponent(services[1]?.name ?? services[0]?.name ?? "api");
  const list = [
    { name: "home", path: "/home" },
    { name: "start", path: "/start" },
    { name: "start-postgresql", path: "/start?source=postgresql" },
    { name: "services", path: "/services" },
    { name: "service", path: `/services/${service}` },
    {
      name: "services-groups",
      path: "/services?group=environment&cols=environment,namespace,version,language,p95_nanos,spans",
    },
    { name: "services-none", path: "/services?find=nobody-has-this-name" },
    { name: "services-peek", path: `/services?peek=svc:${service}` },
    ...["operations", "dependencies", "database", "errors", "logs", "runtime"].map((tab) => ({
      name: `service-${tab}`,
      path: `/services/${service}?tab=${tab}`,
    })),
    { name: "service-unknown", path: "/services/nobody" },
    { name: "map", path: "/map" },
    { name: "map-focus", path: `/map?focus=${service}&metric=p95` },
    { name: "map-table", path: "/map?view=table" },
    { name: "map-peek", path: `/map?peek=svc:${service}` },
    { name: "errors", path: "/errors" },
    { name: "errors-none", path: "/errors?q=nothing+like+this" },
    { name: "error-unknown", path: "/errors/0000000000000001" },
    ...["retention", "health", "queries", "provisioning", "appearance", "shortcuts", "members", "about"].map(
      (section) => ({
        name: `settings-${section}`,
        path: `/settings/${section}`,
      }),
    ),
    {
      name: "settings-retention-tried",
      path: "/settings/retention",
      act: async (page) => {
        await page.getByLabel("keep for").fill("1d");
        await page.getByText("at once").first().waitFor({ timeout: 3000 });
      },
    },
    { name: "doctor", path: "/doctor" },
    { name: "doctor-shipped", path: "/doctor?tab=all&group=warning" },
    { name: "slos", path: "/slos" },
    { name: "slo-unknown", path: "/slos/nobody" },
    { name: "slo-new", path: "/slos/new" },
    {
      name: "slo-file",
      path: "/slos/new?tab=file",
      act: async (page) => {
        await page.getByRole("textbox").last().fill(BUDGETS);
        await page
          .getByText("no promise that is known")
          .first()
          .waitFor({ timeout: 3000 })
          .catch(() => {});
      },
    },
    { name: "dashboards", path: "/dashboards" },
    ...["application", "database", "infrastructure", "business", "host", "postgresql", "redis", "nginx", "runtime"].map(
      (uid) => ({ name: `dashboard-${uid}`, path: `/dashboards/${uid}` }),
    ),
    { name: "dashboard-kiosk", path: "/dashboards/infrastructure?kiosk=1" },
    { name: "dashboard-edit", path: "/dashboards/app?edit=1", prepare },
    {
      name: "dashboard-panel-editor",
      path: "/dashboards/app?edit=1",
      prepare,
      act: async (page) => {
        await page.getByRole("button", { name: "Menu of Request Rate" }).click();
        await page.getByRole("button", { name: "Edit", exact: false }).last().click();
      },
    },
    {
      name: "dashboard-save",
      path: "/dashboards/app?edit=1",
      prepare,
      act: async (page) => {
        await draft(page);
        await page.getByRole("button", { name: "Save", exact: true }).click();
      },
    },
    {
      name: "dashboard-inspect",
      path: "/dashboards/app",
      prepare,
      act: async (page) => {
        await page.getByRole("button", { name: "Menu of Error Rate" }).click();
        await page.getByRole("button", { name: "Inspect", exact: false }).click();
      },
    },
    {
      name: "dashboard-versions",
      path: "/dashboards/app",
      prepare,
      act: (page) => page.getByRole("button", { name: "Versions" }).click(),
    },
    {
      name: "dashboards-import",
      path: "/dashboards",
      prepare,
      act: async (page) => {
        await page.getByRole("button", { name: "Import" }).click();
        await page.getByLabel("Or its text").fill(application.replace('"stat"', '"news"'));
      },
    },
    {
      name: "share-views",
      path: "/services",
      prepare,
      act: async (page) => {
        await page.keyboard.press("Shift+S");
        await page.getByLabel("Name of the view").fill("Slow services");
        await page.keyboard.press("Enter");
      },
    },
    { name: "dashboard-unknown", path: "/dashboards/nobody" },
    { name: "explain", path: "/explain?select=status:error" },
    { name: "explain-start", path: "/explain" },
    { name: "explain-logs", path: "/explain?source=logs&select=level%3E%3Derror" },
    { name: "share", path: "/services", act: (page) => page.keyboard.press("Shift+S") },
    { name: "tray", path: "/services", act: (page) => page.keyboard.press("Shift+P") },
    {
      name: "time",
      path: "/services",
      act: async (page) => {
        await page.keyboard.press("t");
        await page.keyboard.press("t");
      },
    },
    { name: "traces", path: "/traces" },
    { name: "traces-query", path: "/traces?q=duration%3E50ms" },
    ...["spans", "groups", "structure"].map((tab) => ({ name: `traces-${tab}`, path: `/traces?tab=${tab}` })),
    {
      name: "traces-marked",
      path: "/traces",
      act: async (page) => {
        for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
      },
    },
    { name: "logs", path: "/logs" },
    { name: "logs-error", path: "/logs?q=service:api+(level:error" },
    { name: "logs-empty", path: "/logs?q=service:nobody+timeout" },
    {
      name: "logs-history",
      path: "/logs?q=service:api",
      act: async (page) => {
        await page.keyboard.press("Control+h");
        await page.getByRole("dialog").waitFor({ timeout: 3000 });
      },
    },
    {
      name: "logs-save",
      path: "/logs?q=level%3E%3Dinfo",
      act: async (page) => {
        await page.getByRole("button", { name: "Save what matches" }).click();
        await page.getByRole("button", { name: "JSON lines" }).click();
        await page.getByText(/records? saved/).waitFor();
      },
    },
    { name: "logs-patterns", path: "/logs?tab=patterns" },
    { name: "logs-analyse", path: "/logs?tab=analyse" },
    { name: "logs-live", path: "/logs?live=1", act: (page) => page.waitForTimeout(3000) },
    { name: "logs-wrapped", path: "/logs?cols=http.response.status_code", act: (page) => page.keyboard.press("w") },
    {
      name: "logs-context",
      path: "/logs",
      act: async (page) => {
        await page.keyboard.press("j");
        await page.keyboard.press("u");
      },
    },
    {
      name: "logs-marked",
      path: "/logs",
      act: async (page) => {
        for (const key of ["j", "Shift+ArrowDown", "Shift+ArrowDown", "Control+f"]) await page.keyboard.press(key);
      },
    },
    { name: "metrics-start", path: "/metrics" },
    { name: "metrics-peek", path: "/metrics?peek=metric:http_request_duration_seconds_bucket" },
    {
      name: "metrics-several",
      path: "/metrics/explore?q=sum+by+(service)+(rate(http_requests_total[5m]))&q2=A+/+2&prev=1h",
      act: (page) => page.mouse.click(900, 420),
    },
    {
      name: "metrics-quantile",
      path: "/metrics/explore?q=histogram_quantile(0.95,+sum+by+(le,service)+(rate(http_request_duration_seconds_bucket[5m])))",
    },
    {
      name: "metrics-heat",
      path: "/metrics/explore?q=sum+by+(le)+(rate(http_request_duration_seconds_bucket[1m]))&tab=heat",
    },
    {
      name: "metrics-explain",
      path: "/metrics/explore?q=sum+by+(service)+(rate(http_requests_total[5m]))+/+on(service)+sum+by+(job)+(up)&tab=explain",
    },
    {
      name: "metrics-form",
      path: "/metrics/explore?q=sum+by+(service)+(rate(http_requests_total[5m]))&mode=stack",
      act: (page) => page.locator("button[aria-label='Build with a form']").click(),
    },
    {
      name: "metrics-add",
      path: "/metrics/explore?q=sum+by+(service)+(rate(http_requests_total[5m]))",
      act: (page) => page.getByRole("button", { name: "Add to a dashboard" }).click(),
    },
    { name: "metrics", path: "/metrics?q=sum+by+(service)+(rate(http_requests_total[5m]))" },
    { name: "metrics-table", path: "/metrics?q=process_resident_memory_bytes&tab=table" },
    { name: "metrics-error", path: "/metrics?q=rate(http_requests_total[5m]" },
    { name: "metrics-missing", path: "/metrics?q=rate(http_server_requests_totl[5m])" },
    { name: "palette", path: "/services", act: (page) => page.keyboard.press("Control+k") },
    { name: "shortcuts", path: "/services", act: (page) => page.keyboard.press("?") },
  ];
  const worst = [...traces].sort((a, b) => (b.error_count > 0) - (a.error_count > 0) || b.span_count - a.span_count)[0];
  if (worst)
    list.push({
      name: "trace",
      path: `/traces/${worst.trace_id}`,
      act: async (page) => {
        const rows = page.locator("[role=treegrid] [role=row]");
        await rows.nth(Math.min(6, (await rows.count()) - 1)).click();
      },
    });
  // Traces of `dev/seed.mjs`, when they are there.
  const seeded = await json(`/api/v1/traces/${TRACES.odd}?format=columns`);
  if (seeded.columns) {
    const odd = `/traces/${TRACES.odd}`;
    list.push(
      { name: "trace-odd", path: odd },
      { name: "trace-span", path: `${odd}?span=0000000000000003` },
      { name: "trace-rows", path: `${odd}?find=users&only=-status:ok`, act: (page) => page.keyboard.press("n") },
      ...["flame", "stats", "map", "logs", "json"].map((view) => ({
        name: `trace-${view}`,
        path: `${odd}?view=${view}`,
      })),
      { name: "trace-10k", path: `/traces/${TRACES.k10}` },
      {
        name: "compare",
        path: `/traces/compare?a=${TRACES.odd}&b=${TRACES.k10}`,
        act: (page) => page.keyboard.press("j"),
      },
    );
  }
  if (logs[2]) list.push({ name: "logs-peek", path: `/logs?peek=log:${encodeURIComponent(logs[2].id)}` });
  if (errors[0]) {
    list.push({ name: "error", path: `/errors/${errors[0].id}` });
    list.push({ name: "errors-peek", path: `/errors?peek=err:${errors[0].id}` });
  }
  list.push(...(await alertPages(json)));
  const counted = slos.find((slo) => slo.groups?.length > 0);
  if (counted) {
    list.push({ name: "slo", path: `/slos/${counted.id}` });
    list.push({
      name: "slo-delete",
      path: `/slos/${counted.id}`,
      act: (page) => page.getByRole("button", { name: "Delete" }).click(),
    });
  }
  const promise = slos.find((slo) => slo.indicator === null);
  if (promise) list.push({ name: "slo-promise", path: `/slos/${promise.id}` });
  const only = option("only", "").split(",").filter(Boolean);
  return list.filter(
    ({ name }) => only.length === 0 || only.some((part) => name === part || name.startsWith(`${part}-`)),
  );
}

const theme = option("theme", flag("quick") ? "dark" : "");
export const THEMES = theme ? [theme] : ["dark", "light"];
