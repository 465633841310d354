// What the palette offers besides pages and actions: services, dashboards, saved views, metrics, recent pages, and
// what the server finds by name.
import { useQuery } from "@tanstack/react-query";
import { ApiError } from "../api/client.ts";
import { fetchDashboards } from "../api/dashboards.ts";
import { fetchMetricNames } from "../api/prometheus.ts";
import { searchThings } from "../api/search.ts";
import { fetchServices } from "../api/services.ts";
import { fetchViews } from "../api/views.ts";
import { type Search, stringifySearch } from "../lib/search.ts";
import { useStore } from "../lib/store.ts";
import { useTime, useTimeSearch } from "../lib/view.ts";
import { visits } from "../lib/visits.ts";

export interface Entry {
  /** Group heading. */
  group: "Services" | "Dashboards" | "Saved views" | "Metrics" | "Alerting" | "Recent" | "Found";
  title: string;
  detail: string;
  /** Begins with a slash. */
  url: string;
}

export type Prefix = "" | ">" | "@" | "#";

/** `>` actions, `@` services, `#` dashboards; the rest of the text is searched for. */
export function splitPrefix(text: string): { prefix: Prefix; rest: string } {
  const first = text.charAt(0);
  if (first === ">" || first === "@" || first === "#") return { prefix: first, rest: text.slice(1).trimStart() };
  return { prefix: "", rest: text };
}

const METRICS_SHOWN = 8;
const RULES_SHOWN = 8;

/** Pages of the alerts area, which the rail does not list. */
const ALERTING: readonly [string, string][] = [
  ["Alert rules", "/alerts/rules"],
  ["New alert rule", "/alerts/rules/new"],
  ["Silences and maintenance windows", "/alerts/silences"],
  ["Notification channels", "/alerts/channels"],
  ["Alert routing", "/alerts/routing"],
  ["Notification deliveries", "/alerts/deliveries"],
  ["Import rules, dashboards, Alertmanager", "/import"],
  ["Data doctor: what finds no data", "/doctor"],
];
const SEARCH_CHARS_MIN = 2;

export function usePaletteEntries(text: string): Entry[] {
  const { prefix, rest } = splitPrefix(text);
  const time = useTime();
  const timeSearch = useTimeSearch();
  const recent = useStore(visits);
  const services = useQuery({
    queryKey: ["services", time.range],
    queryFn: ({ signal }) => fetchServices(time.range, signal),
  });
  const dashboards = useQuery({
    queryKey: ["dashboards"],
    queryFn: ({ signal }) => fetchDashboards(signal),
    retry: false,
  });
  const views = useQuery({ queryKey: ["views"], queryFn: ({ signal }) => fetchViews(signal), retry: false });
  const wanted = rest.trim();
  const rules = useQuery({
    queryKey: ["rules"],
    // Apart from the shell: only who searches needs them.
    queryFn: async ({ signal }) => (await import("../api/rules.ts")).fetchRules(signal),
    enabled: wanted.length >= SEARCH_CHARS_MIN,
    retry: false,
  });
  const found = useQuery({
    queryKey: ["search", wanted],
    queryFn: ({ signal }) => searchThings(wanted, signal),
    enabled: wanted.length >= SEARCH_CHARS_MIN,
    retry: false,
  });
  const offered = !(found.error instanceof ApiError && found.error.facts.status === 404);
  const names = useQuery({
    queryKey: ["metric-names", time.range],
    queryFn: ({ signal }) => fetchMetricNames(time.range, signal),
    // The server's own search knows metrics too; without it the names are looked through here.
    enabled: !offered && wanted.length >= SEARCH_CHARS_MIN,
  });
  const at = (path: string, search: Search = {}) => path + stringifySearch({ ...timeSearch, ...search });
  const entries: Entry[] = [
    ...(prefix === "" && wanted === ""
      ? recent.slice(0, 5).map((visit): Entry => ({ group: "Recent", title: visit.title, detail: "", url: visit.url }))
      : []),
    ...(views.data ?? []).map(
      (view): Entry => ({
        group: "Saved views",
        title: view.name,
        detail: view.starred ? "starred" : "view",
        url: view.url,
      }),
    ),
    ...(services.data?.value.services ?? []).map(
      (service): Entry => ({
        group: "Services",
        title: service.name,
        detail: "service",
        url: at(`/services/${encodeURIComponent(service.name)}`),
      }),
    ),
    ...(dashboards.data ?? []).map(
      (board): Entry => ({
        group: "Dashboards",
        title: board.title,
        detail: board.folder || "dashboard",
        url: at(`/dashboards/${board.uid}`),
      }),
    ),
    ...ALERTING.map(([title, url]): Entry => ({ group: "Alerting", title, detail: "page", url })),
    ...(rules.data ?? [])
      .flatMap((group) => group.rules.map((rule) => ({ group: group.name, name: rule.name })))
      .filter((rule) => rule.name.toLowerCase().includes(wanted.toLowerCase()))
      .slice(0, RULES_SHOWN)
      .map(
        (rule): Entry => ({
          group: "Alerting",
          title: rule.name,
          detail: "rule",
          url: `/alerts/rules/${encodeURIComponent(`${rule.group}/${rule.name}`)}`,
        }),
      ),
    ...(names.data ?? [])
      .filter((name) => name.includes(wanted))
      .slice(0, METRICS_SHOWN)
      .map((name): Entry => ({ group: "Metrics", title: name, detail: "metric", url: at("/metrics", { q: name }) })),
  ];
  const known = new Set(entries.map((entry) => entry.title));
  const more = (found.data ?? [])
    .filter((thing) => !known.has(thing.title))
    .map(
      (thing): Entry => ({ group: "Found", title: thing.title, detail: thing.detail || thing.kind, url: thing.url }),
    );
  return [...entries, ...more].filter(
    (entry) =>
      prefix === "" ||
      (prefix === "@" && entry.group === "Services") ||
      (prefix === "#" &&
        (entry.group === "Dashboards" || (entry.group === "Found" && /dashboard|panel/.test(entry.detail)))),
  );
}
