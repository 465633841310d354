// All routes. Each page is its own chunk; the old paths of the product people come from lead to the new ones.
import { createRootRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { fetchStatus } from "../api/status.ts";
import { NotFound } from "../app/NotFound.tsx";
import { Shell } from "../app/Shell.tsx";
import type { Search } from "../lib/search.ts";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: (raw: Record<string, unknown>): Search =>
    Object.fromEntries(
      Object.entries(raw).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
    ),
});

const parent = () => root;

const index = createRoute({
  getParentRoute: parent,
  path: "/",
  beforeLoad: async () => {
    const status = await fetchStatus().catch(() => null);
    const received = status !== null && Object.values(status.signals).some((signal) => signal.accepted > 0);
    throw redirect({ to: received ? "/home" : "/start", replace: true });
  },
});

const home = createRoute({
  getParentRoute: parent,
  path: "/home",
  staticData: { title: "Home", timed: true },
  component: lazyRouteComponent(() => import("../features/home/HomePage.tsx"), "HomePage"),
});

const start = createRoute({
  getParentRoute: parent,
  path: "/start",
  staticData: { title: "Add data" },
  component: lazyRouteComponent(() => import("../features/start/StartPage.tsx"), "StartPage"),
});

const services = createRoute({
  getParentRoute: parent,
  path: "/services",
  staticData: { title: "Services", timed: true },
  component: lazyRouteComponent(() => import("../features/services/ServicesPage.tsx"), "ServicesPage"),
});

const service = createRoute({
  getParentRoute: parent,
  path: "/services/$name",
  staticData: { title: "Services", timed: true },
  component: lazyRouteComponent(() => import("../features/services/ServicePage.tsx"), "ServicePage"),
});

const map = createRoute({
  getParentRoute: parent,
  path: "/map",
  staticData: { title: "Map", timed: true },
  component: lazyRouteComponent(() => import("../features/map/MapPage.tsx"), "MapPage"),
});

const errors = createRoute({
  getParentRoute: parent,
  path: "/errors",
  staticData: { title: "Errors", timed: true },
  component: lazyRouteComponent(() => import("../features/errors/ErrorsPage.tsx"), "ErrorsPage"),
});

const error = createRoute({
  getParentRoute: parent,
  path: "/errors/$group",
  staticData: { title: "Errors", timed: true },
  component: lazyRouteComponent(() => import("../features/errors/ErrorPage.tsx"), "ErrorPage"),
});

const dashboards = createRoute({
  getParentRoute: parent,
  path: "/dashboards",
  staticData: { title: "Dashboards" },
  component: lazyRouteComponent(() => import("../features/dashboards/DashboardsPage.tsx"), "DashboardsPage"),
});

const dashboard = createRoute({
  getParentRoute: parent,
  path: "/dashboards/$uid",
  staticData: { title: "Dashboards", timed: true },
  component: lazyRouteComponent(() => import("../features/dashboards/DashboardPage.tsx"), "DashboardPage"),
});

const traces = createRoute({
  getParentRoute: parent,
  path: "/traces",
  staticData: { title: "Traces", timed: true },
  component: lazyRouteComponent(() => import("../features/traces/TracesPage.tsx"), "TracesPage"),
});

const compare = createRoute({
  getParentRoute: parent,
  path: "/traces/compare",
  staticData: { title: "Compare traces" },
  component: lazyRouteComponent(() => import("../features/trace/compare/ComparePage.tsx"), "ComparePage"),
});

const trace = createRoute({
  getParentRoute: parent,
  path: "/traces/$traceId",
  staticData: { title: "Traces" },
  component: lazyRouteComponent(() => import("../features/trace/TracePage.tsx"), "TracePage"),
});

const logs = createRoute({
  getParentRoute: parent,
  path: "/logs",
  staticData: { title: "Logs", timed: true },
  component: lazyRouteComponent(() => import("../features/logs/LogsPage.tsx"), "LogsPage"),
});

const metrics = createRoute({
  getParentRoute: parent,
  path: "/metrics",
  staticData: { title: "Metrics", timed: true },
  component: lazyRouteComponent(() => import("../features/metrics/MetricsPage.tsx"), "MetricsPage"),
});

const explore = createRoute({
  getParentRoute: parent,
  path: "/metrics/explore",
  staticData: { title: "Metrics", timed: true },
  component: lazyRouteComponent(() => import("../features/metrics/MetricsPage.tsx"), "MetricsPage"),
});

const redirects = (
  [
    ["/traces-explorer", "/traces"],
    ["/logs/logs-explorer", "/logs"],
    ["/metrics-explorer/$", "/metrics"],
    ["/get-started", "/start"],
    ["/service-map", "/map"],
    ["/exceptions", "/errors"],
    ["/dashboard", "/dashboards"],
  ] as const
).map(([path, to]) =>
  createRoute({
    getParentRoute: parent,
    path,
    beforeLoad: () => {
      throw redirect({ to, replace: true });
    },
  }),
);

const oldTrace = createRoute({
  getParentRoute: parent,
  path: "/trace/$traceId",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/traces/$traceId", params, replace: true });
  },
});

const explain = createRoute({
  getParentRoute: parent,
  path: "/explain",
  staticData: { title: "Explain", timed: true },
  component: lazyRouteComponent(() => import("../features/explain/ExplainPage.tsx"), "ExplainPage"),
});

const alerts = createRoute({
  getParentRoute: parent,
  path: "/alerts",
  staticData: { title: "Alerts" },
  // The tabs of an address of SigNoz.
  beforeLoad: ({ search }) => {
    const { tab } = search as Search;
    if (tab === "Channels") throw redirect({ to: "/alerts/channels", search: {}, replace: true });
    if (tab === "AlertRules") throw redirect({ to: "/alerts/rules", search: {}, replace: true });
  },
  component: lazyRouteComponent(() => import("../features/alerts/TriagePage.tsx"), "TriagePage"),
});

const alertRules = createRoute({
  getParentRoute: parent,
  path: "/alerts/rules",
  staticData: { title: "Rules" },
  component: lazyRouteComponent(() => import("../features/alerts/RulesPage.tsx"), "RulesPage"),
});

const ruleNew = createRoute({
  getParentRoute: parent,
  path: "/alerts/rules/new",
  staticData: { title: "New rule" },
  component: lazyRouteComponent(() => import("../features/alerts/RuleEditorPage.tsx"), "RuleEditorPage"),
});

const rule = createRoute({
  getParentRoute: parent,
  path: "/alerts/rules/$id",
  staticData: { title: "Rules" },
  component: lazyRouteComponent(() => import("../features/alerts/RulePage.tsx"), "RulePage"),
});

const ruleEdit = createRoute({
  getParentRoute: parent,
  path: "/alerts/rules/$id/edit",
  staticData: { title: "Edit rule" },
  component: lazyRouteComponent(() => import("../features/alerts/RuleEditorPage.tsx"), "RuleEditorPage"),
});

const alertInstance = createRoute({
  getParentRoute: parent,
  path: "/alerts/instances/$fp",
  staticData: { title: "Alert", timed: true },
  component: lazyRouteComponent(() => import("../features/alerts/AlertPage.tsx"), "AlertPage"),
});

const silences = createRoute({
  getParentRoute: parent,
  path: "/alerts/silences",
  staticData: { title: "Silences" },
  component: lazyRouteComponent(() => import("../features/alerts/SilencesPage.tsx"), "SilencesPage"),
});

const deliveries = createRoute({
  getParentRoute: parent,
  path: "/alerts/deliveries",
  staticData: { title: "Deliveries" },
  component: lazyRouteComponent(() => import("../features/alerts/DeliveriesPage.tsx"), "DeliveriesPage"),
});

const channels = createRoute({
  getParentRoute: parent,
  path: "/alerts/channels",
  staticData: { title: "Channels" },
  component: lazyRouteComponent(() => import("../features/alerts/ChannelsPage.tsx"), "ChannelsPage"),
});

const channel = createRoute({
  getParentRoute: parent,
  path: "/alerts/channels/$id",
  staticData: { title: "Channels" },
  component: lazyRouteComponent(() => import("../features/alerts/ChannelsPage.tsx"), "ChannelPage"),
});

const routing = createRoute({
  getParentRoute: parent,
  path: "/alerts/routing",
  staticData: { title: "Routing" },
  component: lazyRouteComponent(() => import("../features/alerts/RoutingPage.tsx"), "RoutingPage"),
});

const slos = createRoute({
  getParentRoute: parent,
  path: "/slos",
  staticData: { title: "SLOs" },
  component: lazyRouteComponent(() => import("../features/slos/SlosPage.tsx"), "SlosPage"),
});

const newSlo = createRoute({
  getParentRoute: parent,
  path: "/slos/new",
  staticData: { title: "New SLO", timed: true },
  component: lazyRouteComponent(() => import("../features/slos/NewSloPage.tsx"), "NewSloPage"),
});

const slo = createRoute({
  getParentRoute: parent,
  path: "/slos/$id",
  staticData: { title: "SLOs", timed: true },
  component: lazyRouteComponent(() => import("../features/slos/SloPage.tsx"), "SloPage"),
});

const importFiles = createRoute({
  getParentRoute: parent,
  path: "/import",
  staticData: { title: "Import" },
  component: lazyRouteComponent(() => import("../features/alerts/import/ImportPage.tsx"), "ImportPage"),
});

const doctor = createRoute({
  getParentRoute: parent,
  path: "/doctor",
  staticData: { title: "Data doctor" },
  component: lazyRouteComponent(() => import("../features/alerts/doctor/DoctorPage.tsx"), "DoctorPage"),
});

const settings = createRoute({
  getParentRoute: parent,
  path: "/settings",
  staticData: { title: "Settings" },
  component: lazyRouteComponent(() => import("../features/settings/SettingsPage.tsx"), "SettingsPage"),
});

const settingsSection = createRoute({
  getParentRoute: parent,
  path: "/settings/$section",
  staticData: { title: "Settings" },
  component: lazyRouteComponent(() => import("../features/settings/SettingsPage.tsx"), "SettingsPage"),
});

const shortLink = createRoute({
  getParentRoute: parent,
  path: "/s/$code",
  staticData: { title: "Short link" },
  component: lazyRouteComponent(() => import("../app/ShortLinkPage.tsx"), "ShortLinkPage"),
});

const oldDashboard = createRoute({
  getParentRoute: parent,
  path: "/dashboard/$uid",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/dashboards/$uid", params, replace: true });
  },
});

export const routeTree = root.addChildren([
  index,
  home,
  start,
  services,
  service,
  map,
  errors,
  error,
  traces,
  compare,
  trace,
  logs,
  metrics,
  explore,
  dashboards,
  dashboard,
  explain,
  alerts,
  alertRules,
  ruleNew,
  rule,
  ruleEdit,
  alertInstance,
  silences,
  deliveries,
  channels,
  channel,
  routing,
  slos,
  newSlo,
  slo,
  settings,
  settingsSection,
  importFiles,
  doctor,
  shortLink,
  oldTrace,
  oldDashboard,
  ...redirects,
]);
