// The records behind bad events: exactly those of an indicator of events, the failed spans of the service otherwise.
import type { Slo } from "../../api/slos.ts";
import { term } from "../../lib/filter.ts";

export interface BadFilter {
  signal: "traces" | "logs";
  /** What is counted. */
  total: string;
  /** What of it is bad. */
  bad: string;
  /** Whether these are the very events that were counted. */
  exact: boolean;
}

export function badFilter({ indicator, service }: Slo): BadFilter | null {
  if (indicator?.kind === "events") return { ...indicator, exact: true };
  if (indicator === null || service === "") return null;
  const { kind } = indicator;
  const bad = kind === "latency" ? `duration>${indicator.threshold}s` : "status:error";
  return { signal: "traces", total: `${term("service", service)} kind:server`, bad, exact: false };
}
