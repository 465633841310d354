// One alert from all that know it: the rules, the alert manager, and what was written down about it.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchWhy } from "../../api/alerts.ts";
import { ApiError } from "../../api/client.ts";
import { splitComparison } from "../../lib/comparison.ts";
import { type TriageRow, triageRows } from "./triage.ts";
import { REFRESH_MS, useManaged, useRules } from "./useTriage.ts";

export function useAlert(fingerprint: string) {
  const rules = useRules();
  const managed = useManaged();
  const why = useQuery({
    queryKey: ["why", fingerprint],
    queryFn: ({ signal }) => fetchWhy(fingerprint, signal),
    refetchInterval: REFRESH_MS,
    retry: (count, error) => !(error instanceof ApiError && error.facts.status === 404) && count < 2,
  });
  const row = useMemo(() => {
    const rows = triageRows({ groups: rules.data ?? [], managed: managed.data?.alerts ?? [], noData: new Map() });
    return rows.find((each) => each.fingerprint === fingerprint) ?? null;
  }, [rules.data, managed.data, fingerprint]);
  const past = useMemo(() => {
    const said = why.data?.timeline.findLast((event) => typeof event.data.expression === "string")?.data;
    const name = typeof said?.rule === "string" ? said.rule : undefined;
    const query = typeof said?.expression === "string" ? said.expression : undefined;
    const labels =
      why.data?.alert?.labels ?? labelsOf(why.data?.timeline.findLast((event) => "labels" in event.data)?.data.labels);
    return { name: labels.alertname ?? name, query, labels };
  }, [why.data]);
  const shown = row ?? (why.data ? endedRow(fingerprint, past, rules.data ?? []) : null);
  return { row: shown, live: row !== null, rules, managed, why };
}

/** An alert that is over: its rule is found by name, its labels in what was written down. */
function endedRow(
  fingerprint: string,
  past: { name: string | undefined; query: string | undefined; labels: Record<string, string> },
  groups: readonly Parameters<typeof triageRows>[0]["groups"][number][],
): TriageRow {
  const group = groups.find((each) => each.rules.some((rule) => rule.name === past.name));
  const rule = group?.rules.find((each) => each.name === past.name);
  return {
    key: fingerprint,
    fingerprint,
    name: past.name ?? "Alert",
    severity: past.labels.severity ?? rule?.labels.severity ?? "",
    state: "firing",
    distinguishing: Object.entries(past.labels).filter(([name]) => name !== "alertname" && name !== "severity"),
    labels: past.labels,
    annotations: {},
    rule:
      rule && group
        ? { group: group.name, interval: group.interval, rule, comparison: splitComparison(rule.query) }
        : null,
    value: null,
    since: null,
    managed: null,
    problem: "",
  };
}

/** `{alertname="A", service="api"}` as it stands in the timeline. */
export function labelsOf(value: unknown): Record<string, string> {
  if (typeof value !== "string") return {};
  const out: Record<string, string> = {};
  for (const [, quoted, plain, text] of value.matchAll(
    /(?:"((?:\\.|[^"\\])*)"|([\w.:]+))\s*=\s*("(?:\\.|[^"\\])*")/g,
  )) {
    try {
      out[quoted ?? plain ?? ""] = JSON.parse(text ?? '""') as string;
    } catch {
      // Escapes that JSON does not know: the label is left out.
    }
  }
  return out;
}
