import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { DocumentError, readDocument, stableId } from "./read.ts";
import { parseOptionsQuery, splitOptions } from "./read-variables.ts";

const shipped = (name: string) =>
  readFileSync(fileURLToPath(new URL(`./shipped/${name}.json`, import.meta.url)), "utf8");

test("the plain form: no places, so panels flow; nothing is dropped", () => {
  const { dashboard, findings } = readDocument(shipped("application"));
  expect(findings).toEqual([]);
  expect(dashboard.title).toBe("MeetsMatch Application Overview");
  expect(dashboard.panels.map((panel) => [panel.title, panel.kind, panel.grid.x, panel.grid.y])).toEqual([
    ["Request Rate", "timeseries", 0, 0],
    ["Error Rate", "timeseries", 12, 0],
    ["Response Time (95th percentile)", "timeseries", 0, 8],
    ["Active Users", "stat", 12, 8],
  ]);
});

test.each(["application", "database", "infrastructure", "business", "host", "postgresql", "redis", "nginx", "runtime"])(
  "the shipped dashboard %s is understood as a whole",
  (name) => {
    const { dashboard, findings } = readDocument(shipped(name));
    expect(findings).toEqual([]);
    expect(dashboard.panels.length).toBeGreaterThan(2);
    expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
  },
);

const grafana = {
  title: "Node",
  schemaVersion: 39,
  templating: {
    list: [
      {
        name: "instance",
        type: "query",
        query: { query: "label_values(up, instance)" },
        multi: true,
        includeAll: true,
        current: { value: ["$__all"] },
      },
      { name: "ds", type: "datasource" },
      { name: "env", type: "custom", query: "prod,dev" },
      { name: "odd", type: "adhoc" },
    ],
  },
  panels: [
    {
      type: "row",
      title: "CPU",
      collapsed: true,
      gridPos: { x: 0, y: 0, w: 24, h: 1 },
      panels: [{ type: "timeseries", title: "Inner", gridPos: { x: 0, y: 1, w: 8, h: 6 }, targets: [{ expr: "up" }] }],
    },
    {
      type: "gauge",
      title: "Load",
      gridPos: { x: 20, y: 7, w: 12, h: 6 },
      fieldConfig: {
        defaults: {
          unit: "percentunit",
          max: 1,
          thresholds: {
            steps: [
              { color: "green", value: null },
              { color: "dark-red", value: 0.9 },
            ],
          },
        },
        overrides: [
          {
            matcher: { id: "byName", options: "a" },
            properties: [{ id: "unit", value: "s" }, { id: "custom.lineStyle" }],
          },
          { matcher: { id: "byValue" }, properties: [] },
        ],
      },
      targets: [{ expr: "node_load1", refId: "A" }, { rawSql: "select 1" }],
      transformations: [{ id: "groupBy" }, { id: "limit", options: { limitField: 3 } }],
      options: { reduceOptions: { calcs: ["mean"] } },
    },
    { type: "news", title: "News" },
  ],
};

test("Grafana's form: places, units, thresholds, rows; what is not shown is said", () => {
  const { dashboard, findings } = readDocument(JSON.stringify(grafana));
  expect(dashboard.dialect).toBe("grafana");
  expect(dashboard.panels.map((panel) => panel.title)).toEqual(["CPU", "Inner", "Load", "News"]);
  expect(dashboard.panels[2]).toMatchObject({
    grid: { x: 12, y: 7, w: 12, h: 6 },
    unit: "percentunit",
    max: 1,
    reduce: "mean",
    overrides: [{ match: { by: "name", text: "a" }, look: { unit: "s" } }],
    transformations: [{ kind: "limit", count: 3 }],
    thresholds: [
      { value: null, colour: "ok" },
      { value: 0.9, colour: "error" },
    ],
  });
  expect(findings.map(({ what }) => what)).toEqual([
    "query B is no PromQL and is left out",
    "the property `custom.lineStyle` of an override is not applied",
    "an override of fields chosen by `byValue` is not applied",
    "the transformation `groupBy` is not applied",
    "panels of type `news` are not shown",
    "the variable `odd` of type `adhoc` is not supported",
  ]);
  expect(dashboard.variables.map((variable) => [variable.name, variable.kind, variable.current])).toEqual([
    ["instance", "query", []],
    ["env", "custom", []],
  ]);
});

test.each([
  ["[]", "not a JSON object"],
  ["{", "not JSON"],
  ['{"dashboard":{"title":"x"}}', "no list `panels`"],
])("%s is refused with the reason", (text, reason) => {
  expect(() => readDocument(text)).toThrow(DocumentError);
  expect(() => readDocument(text)).toThrow(reason);
});

test("ids depend on title and place, not on anything else", () => {
  expect(stableId("a", ["panels", 0])).toBe(stableId("a", ["dashboard", "panels", 0]));
  expect(stableId("a", ["panels", 0])).not.toBe(stableId("a", ["panels", 1]));
});

test("queries of variables", () => {
  expect(parseOptionsQuery("label_values(instance)")).toEqual({ kind: "values", label: "instance", match: null });
  expect(parseOptionsQuery('label_values(up{job="a,b"}, instance)')).toEqual({
    kind: "values",
    label: "instance",
    match: 'up{job="a,b"}',
  });
  expect(parseOptionsQuery("query_result(topk(3, up))")).toEqual({ kind: "result", expr: "topk(3, up)" });
  expect(parseOptionsQuery("label_names()")).toEqual({ kind: "labels", match: null });
  expect(parseOptionsQuery("metrics(^node_)")).toEqual({ kind: "metrics", regex: "^node_" });
  expect(parseOptionsQuery("up")).toBeNull();
  expect(splitOptions("a, b\\,c, Name : value")).toEqual(["a", "b,c", "value"]);
});
