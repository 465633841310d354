// The form of an objective as text: what the server takes, in the YAML of docs/slos.md.
import type { Indicator, Slo } from "../../api/slos.ts";

export interface Draft {
  id: string;
  title: string;
  service: string;
  /** In percent, as it is typed. */
  objective: string;
  window: string;
  groupBy: string;
  alerting: boolean;
  kind: Indicator["kind"];
  /** Whether `part` counts what is bad or what is good. */
  counts: "bad" | "good";
  part: string;
  total: string;
  histogram: string;
  threshold: string;
  metric: string;
  signal: "traces" | "logs";
}

export const EMPTY: Draft = {
  id: "",
  title: "",
  service: "",
  objective: "99.9",
  window: "30d",
  groupBy: "",
  alerting: true,
  kind: "ratio",
  counts: "bad",
  part: "",
  total: "",
  histogram: "",
  threshold: "500ms",
  metric: "",
  signal: "traces",
};

export function draftOf(slo: Slo): Draft {
  const draft: Draft = {
    ...EMPTY,
    id: slo.id,
    title: slo.title,
    service: slo.service,
    objective: String(Number((slo.objective * 100).toFixed(5))),
    window: slo.window,
    groupBy: slo.group_by.join(", "),
    alerting: slo.alerting,
  };
  const { indicator } = slo;
  switch (indicator?.kind) {
    case "ratio": {
      const counts = indicator.good.length > 0 ? "good" : "bad";
      return { ...draft, kind: "ratio", counts, part: indicator[counts].join("\n"), total: indicator.total.join("\n") };
    }
    case "latency":
      return { ...draft, kind: "latency", histogram: indicator.histogram, threshold: String(indicator.threshold) };
    case "up":
      return { ...draft, kind: "up", metric: indicator.metric };
    case "events":
      return { ...draft, kind: "events", signal: indicator.signal, total: indicator.total, part: indicator.bad };
    default:
      return draft;
  }
}

/** An id of a title: "Checkout works" becomes "checkout_works". */
export function idOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 60);
}

/** Whether enough is filled in to ask the server. */
export function isComplete(draft: Draft): boolean {
  const counted = {
    ratio: draft.part.trim() !== "" && draft.total.trim() !== "",
    latency: draft.histogram.trim() !== "" && draft.threshold.trim() !== "",
    up: draft.metric.trim() !== "",
    events: draft.part.trim() !== "",
  };
  return (draft.id || idOf(draft.title)) !== "" && draft.objective.trim() !== "" && counted[draft.kind];
}

/** A text in YAML; one that could mean something else is quoted. */
function scalar(text: string): string {
  return /^[\w][\w ./()-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|~)$/i.test(text) && !/^[\d.]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", "''")}'`;
}

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

export function writeDraft(draft: Draft): string {
  const id = draft.id || idOf(draft.title);
  const out = ["slos:", `  ${id}:`];
  const put = (name: string, value: string) => out.push(`    ${name}: ${value}`);
  if (draft.title) put("title", scalar(draft.title));
  if (draft.service) put("service", scalar(draft.service));
  put("objective", `${draft.objective.trim().replace(/ *%$/, "")}%`);
  put("window", draft.window);
  const groups = draft.groupBy.split(",").flatMap((name) => name.trim() || []);
  if (groups.length > 0) put("group_by", `[${groups.map(scalar).join(", ")}]`);
  out.push("    indicator:");
  out.push(...indicatorLines(draft).map((line) => `      ${line}`));
  if (!draft.alerting) out.push("    alerts: {enabled: false}");
  return `${out.join("\n")}\n`;
}

/** What does not say yet what is counted. */
export function writePromise({ id, written, objective, window }: Slo): string {
  const promised = written ?? `${Number((objective * 100).toFixed(5))}%`;
  return `error_budgets:\n  ${id}:\n    slo: ${promised}\n    window: ${window}\n`;
}

function indicatorLines(draft: Draft): string[] {
  const listed = (name: string, text: string) => [`  ${name}:`, ...lines(text).map((line) => `    - ${scalar(line)}`)];
  switch (draft.kind) {
    case "ratio":
      return ["ratio:", ...listed(draft.counts, draft.part), ...listed("total", draft.total)];
    case "latency":
      return ["latency:", `  histogram: ${scalar(draft.histogram.trim())}`, `  threshold: ${draft.threshold.trim()}`];
    case "up":
      return [`up: ${scalar(draft.metric.trim())}`];
    case "events":
      return [
        "events:",
        `  signal: ${draft.signal}`,
        `  total: ${scalar(draft.total.trim())}`,
        `  bad: ${scalar(draft.part.trim())}`,
      ];
  }
}
