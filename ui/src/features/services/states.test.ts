import { expect, test } from "vitest";
import type { FiringAlert } from "../../api/alerts.ts";
import type { Slo, SloGroup } from "../../api/slos.ts";
import { serviceOf, statesOf } from "./states.ts";

const alert = (labels: Record<string, string>, state = "firing"): FiringAlert => ({
  labels,
  annotations: {},
  state,
  activeAt: "",
  value: "",
});
const group = (labels: Record<string, string>, remaining: number) =>
  ({ labels, sli: 1, burn: [], budget: { remaining } }) as unknown as SloGroup;

test("the surest label names the service; jobs of OTLP lose their namespace", () => {
  expect(serviceOf({ job: "shop/api" })).toBe("api");
  expect(serviceOf({ job: "x", service: "api" })).toBe("api");
  expect(serviceOf({ severity: "critical" })).toBeUndefined();
});

test("alerts and objectives come to their service, the worst objective first", () => {
  const slos = [
    { id: "a", service: "api", tiers: [], groups: [group({}, 0.5)] },
    { id: "b", service: "", tiers: [], groups: [group({ service: "api" }, 0.1), group({ service: "bot" }, 1)] },
  ] as unknown as Slo[];
  const states = statesOf([alert({ service: "api" }), alert({ job: "shop/api" }, "pending")], slos);
  expect(states.get("api")?.firing.length).toBe(1);
  expect(states.get("api")?.pending.length).toBe(1);
  expect(states.get("api")?.slos.map(({ slo }) => slo.id)).toEqual(["b", "a"]);
  expect(states.get("bot")?.slos.length).toBe(1);
});
