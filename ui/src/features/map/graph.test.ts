import { expect, test } from "vitest";
import type { Edge } from "../../api/service-map.ts";
import { around, buildGraph, edgeWidth, grouped, health, neighbour } from "./graph.ts";

const edge = (client: string, server: string, peer = "service", calls = 10, errors = 0): Edge => ({
  client,
  server,
  peer,
  calls,
  errors,
  p50_nanos: 1,
  p95_nanos: 2,
  p99_nanos: 3,
});

const graph = buildGraph([
  edge("web", "api", "service", 100, 6),
  edge("api", "redis", "database"),
  edge("api", "redis", "messaging"),
  edge("api", "pg", "database"),
  edge("bot", "api"),
]);

test("a database and a queue of one name are two nodes; what comes in adds up", () => {
  expect(graph.nodes.map((node) => node.id)).toEqual([
    "database:pg",
    "database:redis",
    "messaging:redis",
    "service:api",
    "service:bot",
    "service:web",
  ]);
  expect(graph.nodes.find((node) => node.id === "service:api")).toMatchObject({ calls: 110, errors: 6 });
});

test("around a node stands what is so many edges away, in either direction", () => {
  expect(around(graph, "service:web", 1).nodes.map((node) => node.name)).toEqual(["api", "web"]);
  expect(around(graph, "service:web", 2).nodes).toHaveLength(6);
  expect(around(graph, "service:web", 1).edges).toHaveLength(1);
});

test("services of one namespace become one node until it is expanded", () => {
  const namespaces = new Map([
    ["web", "front"],
    ["bot", "front"],
  ]);
  const small = grouped(graph, namespaces, new Set());
  expect(small.nodes.find((node) => node.kind === "group")).toMatchObject({ name: "front", members: 2 });
  expect(small.edges.find((each) => each.from === "group:front")).toMatchObject({ calls: 110, errors: 6 });
  expect(grouped(graph, namespaces, new Set(["front"])).nodes).toHaveLength(6);
});

test("health and width follow errors and rate", () => {
  expect([
    health({ calls: 100, errors: 0 }),
    health({ calls: 100, errors: 1 }),
    health({ calls: 100, errors: 5 }),
  ]).toEqual(["ok", "warn", "bad"]);
  expect(health({ calls: 0, errors: 0 })).toBe("ok");
  expect(edgeWidth(0)).toBe(1);
  expect(edgeWidth(1e9)).toBe(6);
});

test("arrows walk along edges, and up and down within the picture", () => {
  const places = new Map(
    graph.nodes.map((node, index) => [node.id, { x: node.kind === "service" ? 0 : 100, y: index * 10 }]),
  );
  expect(neighbour(graph, places, "service:web", "right")).toBe("service:api");
  expect(neighbour(graph, places, "service:api", "left")).toBe("service:bot");
  expect(neighbour(graph, places, "service:web", "left")).toBeNull();
  expect(neighbour(graph, places, "service:bot", "up")).toBe("service:api");
});
