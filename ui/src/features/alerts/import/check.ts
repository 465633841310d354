// Looks at a file without taking it: what the server says of it, whether the data that it needs is there, and what shows in
// its text.
import { checkConfig } from "../../../api/channels.ts";
import { ApiError, serverNow } from "../../../api/client.ts";
import { isObject } from "../../../api/decode.ts";
import { checkCollector, previewObjectives } from "../../../api/import.ts";
import { fetchLabelValues } from "../../../api/prometheus.ts";
import { type Finding, tryRules } from "../../../api/rules.ts";
import { fetchWhyEmpty } from "../../../api/why-empty.ts";
import { splitComparison } from "../../../lib/comparison.ts";
import { plural } from "../../../lib/number.ts";
import type { ShownFinding } from "../FindingList.tsx";
import { keptLabels } from "../lint.ts";
import type { FileKind } from "./detect.ts";
import { noticeCollector, noticeLocalhost } from "./notices.ts";
import { rulesOf } from "./rule-lines.ts";

export interface Report {
  /** Whether the server takes it. */
  usable: boolean;
  /** What would be taken, in words. */
  accepted: string[];
  findings: ShownFinding[];
}

const HOUR_MILLI = 3_600_000;
const QUERIES_MAX = 200;
const SIDE_BY_SIDE = 4;

export async function checkFile(kind: FileKind, text: string, signal: AbortSignal): Promise<Report> {
  const report = await BY_KIND[kind](text, signal);
  return { ...report, findings: ordered(report.findings) };
}

const BY_KIND: Record<FileKind, (text: string, signal: AbortSignal) => Promise<Report>> = {
  rules: checkRules,
  alertmanager: checkAlertmanager,
  dashboard: checkDashboard,
  slos: checkObjectives,
  collector: checkCollectorFile,
};

/** By line; the same thing is said once. */
function ordered(findings: readonly ShownFinding[]): ShownFinding[] {
  const seen = new Set<string>();
  return findings
    .filter((finding) => {
      const key = `${finding.line} ${finding.message}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.line - b.line);
}

/** The findings of a refusal; other failures stay failures. */
function refusal(error: unknown): Finding[] | null {
  if (!(error instanceof ApiError) || error.facts.status !== 400) return null;
  const body = isObject(error.facts.body) ? error.facts.body : {};
  const inner = isObject(body.error) ? body.error.findings : undefined;
  const list = body.findings ?? inner;
  if (Array.isArray(list) && list.length > 0) {
    return list.filter(isObject).map((each) => ({
      severity: String(each.severity ?? "error"),
      line: Number(each.line ?? 0),
      column: Number(each.column ?? 0),
      path: String(each.path ?? ""),
      message: String(each.message ?? each.reason ?? ""),
      fix: String(each.fix ?? each.remedy ?? ""),
    }));
  }
  const line = /line (\d+)/.exec(error.message)?.[1];
  return [{ severity: "error", line: Number(line ?? 0), column: 0, path: "", message: error.message, fix: "" }];
}

async function checkRules(text: string, signal: AbortSignal): Promise<Report> {
  const lined = rulesOf(text);
  try {
    const trial = await tryRules(text, { from: "now-1m", step: "1m" }, signal);
    const failing = trial.rules.flatMap((rule): ShownFinding[] => {
      const where = lined.find((each) => each.draft.name === rule.rule);
      if (!rule.error) return [];
      const line = where?.lines.get("expr") ?? 0;
      return [{ severity: "warning", line, path: `${rule.rule}.expr`, message: rule.error, fix: "" }];
    });
    const data = await checkData(
      lined
        .filter((each) => each.draft.source === "promql" && each.draft.expr !== "")
        .map((each) => ({
          name: `${each.draft.name}.expr`,
          query: splitComparison(each.draft.expr)?.left ?? each.draft.expr,
          line: each.lines.get("expr") ?? each.line,
        })),
      signal,
    );
    const records = lined.filter((each) => each.draft.kind === "record").length;
    const accepted = [
      plural(lined.length - records, "alerting rule"),
      ...(records > 0 ? [plural(records, "recording rule")] : []),
    ];
    return { usable: true, accepted, findings: [...trial.findings, ...failing, ...data] };
  } catch (error) {
    const findings = refusal(error);
    if (!findings) throw error;
    return { usable: false, accepted: [], findings };
  }
}

async function checkAlertmanager(text: string, signal: AbortSignal): Promise<Report> {
  const checked = await checkConfig(text, signal);
  const receivers = [...text.matchAll(/^\s*- *name\s*:/gm)].length;
  const accepted = checked.usable ? [plural(receivers, "receiver"), "the tree of routes"] : [];
  if (checked.usable && !checked.valid_in_alertmanager) accepted.push("with what Alertmanager itself refuses mapped");
  return { usable: checked.usable, accepted, findings: [...checked.findings, ...noticeLocalhost(text)] };
}

async function checkObjectives(text: string, signal: AbortSignal): Promise<Report> {
  try {
    const preview = await previewObjectives(text, signal);
    const usable = preview.slos.length > 0 && !preview.findings.some((finding) => finding.severity === "error");
    const accepted =
      preview.slos.length > 0
        ? [`${plural(preview.slos.length, "objective")}: ${preview.slos.map((slo) => slo.id).join(", ")}`]
        : [];
    return { usable, accepted, findings: preview.findings };
  } catch (error) {
    const findings = refusal(error);
    if (!findings) throw error;
    return { usable: false, accepted: [], findings };
  }
}

async function checkCollectorFile(text: string, signal: AbortSignal): Promise<Report> {
  const { usable, findings } = await checkCollector(text, signal);
  return { usable, accepted: usable ? ["it as it is"] : [], findings: [...findings, ...noticeCollector(text)] };
}

interface Asked {
  name: string;
  query: string;
  line: number;
}

async function checkDashboard(text: string, signal: AbortSignal): Promise<Report> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const place = /position (\d+)/.exec(message)?.[1];
    const line = place === undefined ? 0 : text.slice(0, Number(place)).split("\n").length;
    return {
      usable: false,
      accepted: [],
      findings: [{ severity: "error", line, path: "", message: `it is not JSON: ${message}`, fix: "" }],
    };
  }
  const root = isObject(json) ? json : {};
  const body = isObject(root.dashboard) ? root.dashboard : root;
  if (!Array.isArray(body.panels)) {
    const message = "it has no list `panels`, neither at the top nor in `dashboard`";
    return { usable: false, accepted: [], findings: [{ severity: "error", line: 0, path: "", message, fix: "" }] };
  }
  const asked: Asked[] = [];
  const findings: ShownFinding[] = [];
  let from = 0;
  for (const panel of panelsOf(body.panels)) {
    const title = typeof panel.title === "string" ? panel.title : "a panel";
    for (const target of Array.isArray(panel.targets) ? panel.targets.filter(isObject) : []) {
      if (typeof target.expr !== "string" || target.expr === "") continue;
      const place = text.indexOf(JSON.stringify(target.expr), from);
      const line = place < 0 ? 0 : text.slice(0, place).split("\n").length;
      if (place >= 0) from = place;
      // Variables stand for values that are chosen on the page.
      if (!/\$\{?\w/.test(target.expr)) asked.push({ name: title, query: target.expr, line });
      findings.push(...legendFindings(title, target, text, line));
    }
  }
  const panels = panelsOf(body.panels).length;
  return {
    usable: true,
    accepted: [
      `${typeof body.title === "string" ? body.title : "a dashboard"}, ${plural(panels, "panel")}, kept byte for byte`,
    ],
    findings: [...findings, ...(await checkData(asked, signal))],
  };
}

/** Panels inside collapsed rows, too. */
function panelsOf(list: readonly unknown[]): Record<string, unknown>[] {
  return list
    .filter(isObject)
    .flatMap((panel) => [panel, ...(Array.isArray(panel.panels) ? panelsOf(panel.panels) : [])]);
}

function legendFindings(
  title: string,
  target: Record<string, unknown>,
  text: string,
  exprLine: number,
): ShownFinding[] {
  const legend = typeof target.legendFormat === "string" ? target.legendFormat : "";
  const kept = keptLabels(String(target.expr));
  if (kept === null) return [];
  const gone = [...legend.matchAll(/\{\{\s*([\w.]+)\s*\}\}/g)]
    .map((match) => match[1] ?? "")
    .filter((label) => !kept.includes(label));
  if (gone.length === 0) return [];
  const below = text
    .split("\n")
    .slice(exprLine)
    .findIndex((line) => line.includes("legendFormat"));
  return gone.map((label) => ({
    severity: "warning",
    line: below < 0 ? exprLine : exprLine + below + 1,
    path: `${title}, legend`,
    message: `names {{${label}}}, but the expression keeps ${kept.length > 0 ? `only ${kept.join(", ")}` : "no label"}`,
    fix: `add ${label} to the by (..)`,
  }));
}

/** Whether the series of expressions arrive, with their labels and values, and whether their buckets say something. */
async function checkData(all: readonly Asked[], signal: AbortSignal): Promise<ShownFinding[]> {
  const toMilli = serverNow();
  const range = { fromMilli: toMilli - HOUR_MILLI, toMilli };
  const out: ShownFinding[] = [];
  const waiting = all.slice(0, QUERIES_MAX);
  const next = async (): Promise<void> => {
    for (let asked = waiting.shift(); asked; asked = waiting.shift()) {
      const { name, query, line } = asked;
      const why = await fetchWhyEmpty("metrics", query, range, signal).catch((error: unknown) => {
        if (signal.aborted) throw error;
        return null;
      });
      for (const mismatch of why?.mismatches ?? []) {
        const similar = mismatch.similar.slice(0, 3).join(", ");
        const fix = mismatch.fixed_query ?? (similar ? `similar: ${similar}` : "send it, or change the expression");
        out.push({ severity: "warning", line, path: name, message: mismatch.message, fix });
      }
      if (why && why.mismatches.length === 0 && why.reason !== "present" && why.reason !== "unknown" && why.sentence) {
        out.push({ severity: "warning", line, path: name, message: why.sentence, fix: "" });
      }
      const buckets = await uselessBuckets(query, range, signal);
      if (buckets) out.push({ severity: "warning", line, path: name, ...buckets });
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, next));
  if (all.length > QUERIES_MAX) {
    const message = `only the first ${QUERIES_MAX} of ${all.length} expressions were compared with the data`;
    out.push({ severity: "info", line: 0, path: "", message, fix: "" });
  }
  return out;
}

/** Bounds that SDKs take for milliseconds when nobody says better. */
const DEFAULT_BOUNDS = ["5", "10", "25", "75", "250", "750", "2500"];

async function uselessBuckets(query: string, range: { fromMilli: number; toMilli: number }, signal: AbortSignal) {
  const metric = /histogram_quantile[\s\S]*?\b([a-zA-Z_:][\w:]*_seconds_bucket)\b/.exec(query)?.[1];
  if (!metric) return null;
  const bounds = await fetchLabelValues("le", metric, range, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return [];
  });
  const plain = bounds.map((bound) => String(Number(bound)));
  if (!DEFAULT_BOUNDS.every((bound) => plain.includes(bound)) || plain.includes("0.1")) return null;
  return {
    message: `${metric} has the default bounds of the SDK (0, 5, 10, 25 ..), which are meant for milliseconds: everything below 5 s is one bucket, so quantiles are interpolated inside it (p95 is 4.75 s whatever happens)`,
    fix: "set explicit bounds with a view: .005 .01 .025 .05 .1 .25 .5 1 2 2.5 5 10",
  };
}
