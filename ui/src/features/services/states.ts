// What alerts and objectives say of each service.
import { useQuery } from "@tanstack/react-query";
import { type FiringAlert, fetchAlerts } from "../../api/alerts.ts";
import { fetchSlos, type Slo, type SloGroup } from "../../api/slos.ts";
import { type BurnState, burnState, byNeed } from "../../lib/budget.ts";

export interface SloRow {
  slo: Slo;
  group: SloGroup;
  state: BurnState;
  left: number;
}

export interface ServiceState {
  firing: FiringAlert[];
  pending: FiringAlert[];
  /** The worst first. */
  slos: SloRow[];
}

const REFRESH_MS = 30_000;

/** Labels that name a service, the surest first. */
const NAMES = ["service", "service_name", "sloth_service", "job"];

export function serviceOf(labels: Readonly<Record<string, string>>): string | undefined {
  const name = NAMES.map((label) => labels[label]).find((value) => value !== undefined && value !== "");
  // Jobs made from OTLP are `namespace/name`.
  return name?.includes("/") ? name.slice(name.lastIndexOf("/") + 1) : name;
}

export function statesOf(alerts: readonly FiringAlert[], slos: readonly Slo[]): Map<string, ServiceState> {
  const out = new Map<string, ServiceState>();
  const of = (name: string) => {
    const state = out.get(name) ?? { firing: [], pending: [], slos: [] };
    out.set(name, state);
    return state;
  };
  for (const alert of alerts) {
    const name = serviceOf(alert.labels);
    if (name) of(name)[alert.state === "firing" ? "firing" : "pending"].push(alert);
  }
  for (const slo of slos) {
    for (const group of slo.groups) {
      const name = serviceOf(group.labels) ?? slo.service;
      if (name) of(name).slos.push({ slo, group, state: burnState(group, slo.tiers), left: group.budget.remaining });
    }
  }
  for (const state of out.values()) state.slos.sort(byNeed);
  return out;
}

export function useServiceStates(): ReadonlyMap<string, ServiceState> {
  const alerts = useQuery({
    queryKey: ["alerts"],
    queryFn: ({ signal }) => fetchAlerts(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  const slos = useQuery({
    queryKey: ["slos"],
    queryFn: ({ signal }) => fetchSlos(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  return statesOf(alerts.data ?? [], slos.data?.slos ?? []);
}
