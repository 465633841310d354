import { expect, test } from "vitest";
import type { AnalysisTable } from "../../api/analyse.ts";
import { callsOf, deployments, identities, previousRange } from "./queries.ts";

const column = (name: string, kind = "key") => ({ name, kind, unit: "", estimated: false });

test("a service is what its resources say, the most frequent first", () => {
  const table: AnalysisTable = {
    columns: [
      column("service"),
      column("service.version"),
      column("deployment.environment.name"),
      column("service.namespace"),
      column("telemetry.sdk.language"),
      column("telemetry.sdk.version"),
      column("count", "measure"),
      column("count_distinct(service.instance.id)", "measure"),
    ],
    rows: [
      ["api", "2.1", "prod", null, "go", "1.0", 90, 3],
      ["api", "2.0", "prod", null, "go", "1.0", 10, 1],
      ["web", null, null, null, null, null, 5, 0],
    ],
    groups: 3,
    step_nanos: null,
    sampled: null,
    adjusted: null,
  };
  expect(identities(table).get("api")).toEqual({
    versions: ["2.1", "2.0"],
    environments: ["prod"],
    namespaces: [],
    languages: ["go"],
    sdk: ["1.0"],
    instances: 4,
  });
  expect(identities(table).get("web")?.versions).toEqual([]);
});

test("a version that appears later is a deployment, the one from the start is not", () => {
  const values = new Map([
    ["1.0", [null, 5, 5, null]],
    ["1.1", [null, null, 2, 7]],
  ]);
  expect(deployments({ times: [0, 10, 20, 30], stepMilli: 10, values, whole: true })).toEqual([
    { version: "1.1", unixMilli: 20 },
  ]);
  expect(deployments(null)).toEqual([]);
});

test("the window before has the same length", () => {
  expect(previousRange({ fromMilli: 100, toMilli: 160 })).toEqual({ fromMilli: 40, toMilli: 100 });
});

test("names with special characters are quoted", () => {
  expect(callsOf("my service")).toContain('service:"my service"');
});
