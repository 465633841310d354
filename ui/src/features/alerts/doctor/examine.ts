// What is wrong with what people made, beside the data that arrives: dashboards, rules, the alert manager's configuration,
// and the senders themselves. Nothing is changed.
import { fetchConfig } from "../../../api/channels.ts";
import { ApiError } from "../../../api/client.ts";
import { type DashboardSummary, fetchDashboard, fetchDashboards } from "../../../api/dashboards.ts";
import { exportRules } from "../../../api/rules.ts";
import { fetchStart, type Start } from "../../../api/start.ts";
import type { ShownFinding } from "../FindingList.tsx";
import { checkFile } from "../import/check.ts";

/** Where a finding leads. */
export type Place =
  | { to: "/dashboards/$uid"; params: { uid: string } }
  | { to: "/alerts/rules" | "/alerts/routing" | "/start"; params?: undefined };

/** One thing that was looked at. */
export interface Examined {
  /** "dashboard", "rules", "alertmanager" or "senders". */
  kind: string;
  title: string;
  place: Place;
  findings: ShownFinding[];
}

export interface Examination {
  examined: Examined[];
  /** What could not be looked at, and why. */
  problems: string[];
  /** Dashboards that came with the server and were not looked at. */
  shipped: number;
}

/** More than anybody reads. */
const DASHBOARDS_MAX = 100;

export async function examine(withShipped: boolean, signal: AbortSignal): Promise<Examination> {
  const problems: string[] = [];
  const attempt = async <T>(what: string, work: Promise<T>): Promise<T | null> => {
    try {
      return await work;
    } catch (error) {
      if (signal.aborted) throw error;
      // A server without this part has nothing to look at.
      if (!(error instanceof ApiError && error.kind === "not_found")) {
        problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
      return null;
    }
  };
  const all = (await attempt("dashboards", fetchDashboards(signal))) ?? [];
  const wanted = all.filter((each) => withShipped || each.source !== "shipped");
  if (wanted.length > DASHBOARDS_MAX) {
    problems.push(`dashboards: the first ${DASHBOARDS_MAX} of ${wanted.length} were looked at`);
  }
  const examined: Examined[] = [];
  for (const summary of wanted.slice(0, DASHBOARDS_MAX)) {
    const found = await attempt(summary.title, ofDashboard(summary, signal));
    if (found) examined.push(found);
  }
  const [rules, manager, start] = await Promise.all([
    attempt("rules", ofRules(signal)),
    attempt("alertmanager.yml", fetchConfig(signal)),
    attempt("senders", fetchStart(signal)),
  ]);
  if (rules) examined.push(rules);
  if (manager && manager.origin !== "default") {
    const title = manager.path ?? "alertmanager.yml";
    examined.push({ kind: "alertmanager", title, place: { to: "/alerts/routing" }, findings: manager.findings });
  }
  if (start) {
    examined.push({ kind: "senders", title: "Senders", place: { to: "/start" }, findings: ofSenders(start) });
  }
  return { examined, problems, shipped: all.length - wanted.length };
}

async function ofDashboard(summary: DashboardSummary, signal: AbortSignal): Promise<Examined> {
  const { document } = await fetchDashboard(summary.uid, signal);
  const { findings } = await checkFile("dashboard", document, signal);
  const problem = summary.problem
    ? [{ severity: "error", line: 0, path: "", message: summary.problem, fix: "correct the file" }]
    : [];
  const place: Place = { to: "/dashboards/$uid", params: { uid: summary.uid } };
  return { kind: "dashboard", title: summary.title, place, findings: [...problem, ...findings] };
}

async function ofRules(signal: AbortSignal): Promise<Examined | null> {
  const text = await exportRules("bellrock", signal);
  if (!/^\s*-?\s*(alert|record)\s*:/m.test(text)) return null;
  const { findings } = await checkFile("rules", text, signal);
  return { kind: "rules", title: "Rules", place: { to: "/alerts/rules" }, findings };
}

/** Traces without logs are no mistake; everything else that senders are told is. */
const ADVICE = new Set(["no_trace_ids", "delta"]);

export function ofSenders(start: Start): ShownFinding[] {
  const arrivals = Object.entries(start.signals).flatMap(([signal, list]) =>
    list.flatMap((arrival) =>
      arrival.warnings.map((warning) => ({
        severity: ADVICE.has(warning.code) ? "info" : "warning",
        line: 0,
        path: `${arrival.service}, ${signal}`,
        message: warning.message,
        fix: warning.fix,
      })),
    ),
  );
  const refusals = start.refusals.map((refusal) => ({
    severity: "error",
    line: 0,
    path: [refusal.signal, refusal.origin ?? refusal.peer, refusal.port && `port ${refusal.port}`]
      .filter(Boolean)
      .join(", "),
    message: `${refusal.count > 1 ? `${refusal.count} times: ` : ""}${refusal.message}`,
    fix: refusal.fix,
  }));
  return [...refusals, ...arrivals];
}

export type Severity = "error" | "warning" | "info";

export function countsOf(examined: readonly Examined[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };
  for (const { findings } of examined) {
    for (const { severity } of findings) counts[severity === "error" || severity === "warning" ? severity : "info"]++;
  }
  return counts;
}

/** Only these severities and what has the text in it; what has nothing left is left out, the worst comes first. */
export function shownOf(examined: readonly Examined[], least: Severity, text: string): Examined[] {
  const rank = (severity: string) => (severity === "error" ? 2 : severity === "warning" ? 1 : 0);
  const wanted = text.trim().toLowerCase();
  const has = (of: Examined, finding: ShownFinding) =>
    [of.title, finding.path, finding.message, finding.fix].some((each) => each.toLowerCase().includes(wanted));
  const worst = ({ findings }: Examined) => Math.max(...findings.map(({ severity }) => rank(severity)));
  return examined
    .map((each) => ({
      ...each,
      findings: each.findings
        .filter((finding) => rank(finding.severity) >= rank(least) && (wanted === "" || has(each, finding)))
        .sort((a, b) => rank(b.severity) - rank(a.severity)),
    }))
    .filter(({ findings }) => findings.length > 0)
    .sort((a, b) => worst(b) - worst(a) || b.findings.length - a.findings.length);
}
