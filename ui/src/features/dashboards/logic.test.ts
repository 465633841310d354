import { expect, test } from "vitest";
import { nextPanel, overlaps, type Placed, place } from "./grid.ts";
import { interpolate, variablesIn } from "./interpolate.ts";
import { legendOf } from "./legend.ts";
import { formatSeconds, stepFor } from "./seconds.ts";
import { formatterFor } from "./units.ts";

const values = {
  variables: new Map([
    ["env", ["prod"]],
    ["host", ["a.b", "c"]],
    ["all", [".*"]],
  ]),
  stepSeconds: 30,
  rangeSeconds: 3600,
  scrapeSeconds: 15,
};

test.each([
  ['up{env="$env"}', 'up{env="prod"}'],
  ['up{env=~"${host}"}', 'up{env=~"(a\\\\.b|c)"}'],
  ["[[env]] ${env:raw} $unknown", "prod prod $unknown"],
  ["rate(x[$__rate_interval]) [$__interval] $__range", "rate(x[1m]) [30s] 1h"],
  ['{h=~"$all"}', '{h=~".*"}'],
  ["${host:csv} ${host:pipe}", "a.b,c a.b|c"],
])("%s", (text, expected) => expect(interpolate(text, values)).toBe(expected));

test("the variables of a query are found", () => {
  expect(variablesIn('a{b="$x", c="${y:regex}"}[[z]]')).toEqual(["x", "y", "z"]);
});

test("legends never are empty", () => {
  expect(legendOf("{{service}} {{ code }}", { service: "api", code: "200" }, "x")).toBe("api 200");
  expect(legendOf("{{operation}} (p95)", {}, "x")).toBe("(no operation) (p95)");
  expect(legendOf("", { __name__: "up", job: "a" }, "x")).toBe('up{job="a"}');
  expect(legendOf("", {}, "sum(up)")).toBe("sum(up)");
});

test("steps and durations are round", () => {
  expect([3600, 86_400, 60].map(stepFor)).toEqual([15, 600, 1]);
  expect([90, 300, 3600, 172_800].map(formatSeconds)).toEqual(["90s", "5m", "1h", "2d"]);
});

test("units are those of the panel, or guessed", () => {
  expect(formatterFor("ms", null, "")(1500)).toBe("1.5 s");
  expect(formatterFor("percentunit", null, "")(0.5)).toBe("50 %");
  expect(formatterFor("furlong", 1, "")(2)).toBe("2.0 furlong");
  expect(formatterFor("", null, 'sum(rate(a_total{s=~"5.."}[5m])) by (x) / sum(rate(a_total[5m])) by (x)')(0.25)).toBe(
    "25 %",
  );
  expect(formatterFor("", null, "redis_memory_usage_bytes")(2048)).toBe("2 KiB");
});

const at = (id: string, x: number, y: number, w = 12, h = 8): Placed => ({ id, grid: { x, y, w, h } });
const board = [at("a", 0, 0), at("b", 12, 0), at("c", 0, 8)];

test("a panel takes its place and the others make room", () => {
  const moved = place(board, "c", { x: 12, y: 0, w: 12, h: 8 });
  expect(Object.fromEntries(moved.map((panel) => [panel.id, [panel.grid.x, panel.grid.y]]))).toEqual({
    a: [0, 0],
    c: [12, 0],
    b: [12, 8],
  });
});

test("whatever is moved wherever, nothing overlaps and nothing leaves the grid", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  let panels: Placed[] = Array.from({ length: 12 }, (_, index) =>
    at(String(index), (index % 2) * 12, index * 4, 12, 4),
  );
  for (let round = 0; round < 300; round++) {
    panels = place(panels, String(random(12)), { x: random(40) - 8, y: random(60) - 4, w: random(30), h: random(14) });
    for (const [index, panel] of panels.entries()) {
      expect(panel.grid.x >= 0 && panel.grid.x + panel.grid.w <= 24 && panel.grid.y >= 0).toBe(true);
      for (const other of panels.slice(index + 1)) expect(overlaps(panel.grid, other.grid)).toBe(false);
    }
  }
  expect(panels).toHaveLength(12);
});

test("arrows follow the picture, and the reading order at the end of a line", () => {
  expect(nextPanel(board, null, "ArrowDown")).toBe("a");
  expect(nextPanel(board, "a", "ArrowRight")).toBe("b");
  expect(nextPanel(board, "b", "ArrowRight")).toBe("c");
  expect(nextPanel(board, "a", "ArrowDown")).toBe("c");
  expect(nextPanel(board, "c", "ArrowUp")).toBe("a");
});
