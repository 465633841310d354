// The service map as a graph: nodes and edges from pairs of client and server, what stands near a node, and groups.

import type { Edge } from "../../api/service-map.ts";
import { errorTone } from "../../lib/error-share.ts";

export interface MapNode {
  /** `service:api`; a database and a queue of one name are two nodes. */
  id: string;
  name: string;
  /** "service", "database", "messaging" or "group". */
  kind: string;
  calls: number;
  errors: number;
  p95Nanos: number;
  /** Calls it makes. */
  callsOut: number;
  /** Services inside, for a group. */
  members: number;
}

export interface MapEdge {
  id: string;
  from: string;
  to: string;
  client: string;
  server: string;
  kind: string;
  calls: number;
  errors: number;
  p50Nanos: number;
  p95Nanos: number;
  p99Nanos: number;
}

/** What the notes of nodes say. */
export type MapMetric = "rate" | "errors" | "p95";

export interface Graph {
  nodes: MapNode[];
  edges: MapEdge[];
}

export function nodeId(kind: string, name: string): string {
  return `${kind}:${name}`;
}

export function buildGraph(edges: readonly Edge[]): Graph {
  const nodes = new Map<string, MapNode>();
  const touch = (kind: string, name: string) => {
    const id = nodeId(kind, name);
    let node = nodes.get(id);
    if (!node) {
      node = { id, name, kind, calls: 0, errors: 0, p95Nanos: 0, callsOut: 0, members: 1 };
      nodes.set(id, node);
    }
    return node;
  };
  const out = edges.map((edge): MapEdge => {
    const from = touch("service", edge.client);
    const to = touch(edge.peer, edge.server);
    to.calls += edge.calls;
    to.errors += edge.errors;
    from.callsOut += edge.calls;
    // Quantiles do not add up; the slowest way in is what a user of the node meets at worst.
    to.p95Nanos = Math.max(to.p95Nanos, edge.p95_nanos);
    return {
      id: `${from.id} > ${to.id}`,
      from: from.id,
      to: to.id,
      client: edge.client,
      server: edge.server,
      kind: edge.peer,
      calls: edge.calls,
      errors: edge.errors,
      p50Nanos: edge.p50_nanos,
      p95Nanos: edge.p95_nanos,
      p99Nanos: edge.p99_nanos,
    };
  });
  return { nodes: [...nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), edges: out };
}

/** The nodes at most `hops` edges away from one, in either direction, and the edges between them. */
export function around(graph: Graph, focus: string, hops: number): Graph {
  const near = new Set([focus]);
  for (let hop = 0; hop < hops; hop++) {
    for (const id of [...near]) {
      for (const edge of graph.edges) {
        if (edge.from === id) near.add(edge.to);
        if (edge.to === id) near.add(edge.from);
      }
    }
  }
  return {
    nodes: graph.nodes.filter((node) => near.has(node.id)),
    edges: graph.edges.filter((edge) => near.has(edge.from) && near.has(edge.to)),
  };
}

/** One node per namespace, except for those that are expanded; edges between the same two become one. */
export function grouped(graph: Graph, namespaces: ReadonlyMap<string, string>, expanded: ReadonlySet<string>): Graph {
  const homeOf = (node: MapNode) => {
    const namespace = node.kind === "service" ? namespaces.get(node.name) : undefined;
    return namespace !== undefined && !expanded.has(namespace) ? namespace : null;
  };
  const nodes = new Map<string, MapNode>();
  const place = new Map<string, string>();
  for (const node of graph.nodes) {
    const namespace = homeOf(node);
    const id = namespace === null ? node.id : nodeId("group", namespace);
    place.set(node.id, id);
    const there = nodes.get(id);
    if (!there) nodes.set(id, namespace === null ? node : { ...node, id, name: namespace, kind: "group" });
    else
      nodes.set(id, {
        ...there,
        calls: there.calls + node.calls,
        errors: there.errors + node.errors,
        callsOut: there.callsOut + node.callsOut,
        members: there.members + 1,
      });
  }
  const edges = new Map<string, MapEdge>();
  for (const edge of graph.edges) {
    const from = place.get(edge.from) ?? edge.from;
    const to = place.get(edge.to) ?? edge.to;
    if (from === to) continue;
    const id = `${from} > ${to}`;
    const there = edges.get(id);
    edges.set(
      id,
      there
        ? {
            ...there,
            calls: there.calls + edge.calls,
            errors: there.errors + edge.errors,
            p50Nanos: Math.max(there.p50Nanos, edge.p50Nanos),
            p95Nanos: Math.max(there.p95Nanos, edge.p95Nanos),
            p99Nanos: Math.max(there.p99Nanos, edge.p99Nanos),
          }
        : { ...edge, id, from, to },
    );
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

export function errorRatio({ calls, errors }: { calls: number; errors: number }): number {
  return calls > 0 ? errors / calls : 0;
}

export function health(of: { calls: number; errors: number }): "ok" | "warn" | "bad" {
  const tone = errorTone(errorRatio(of));
  return tone === "plain" ? "ok" : tone;
}

/** From 1 to 6 px, by the logarithm of the rate. */
export function edgeWidth(perSecond: number): number {
  return Math.min(6, Math.max(1, 1 + Math.log10(1 + perSecond) * 1.6));
}

export type Direction = "left" | "right" | "up" | "down";

/** The node an arrow key leads to: along an edge to the left or right, to the next in the same column up or down. */
export function neighbour(
  graph: Graph,
  places: ReadonlyMap<string, { x: number; y: number }>,
  from: string,
  direction: Direction,
): string | null {
  const here = places.get(from);
  if (!here) return graph.nodes[0]?.id ?? null;
  const connected = graph.edges.flatMap((edge) =>
    direction === "right" && edge.from === from
      ? [edge.to]
      : direction === "left" && edge.to === from
        ? [edge.from]
        : [],
  );
  const vertical = direction === "up" || direction === "down";
  const candidates = vertical ? graph.nodes.map((node) => node.id).filter((id) => id !== from) : connected;
  let best: { id: string; cost: number } | null = null;
  for (const id of candidates) {
    const there = places.get(id);
    if (!there) continue;
    const dy = there.y - here.y;
    if ((direction === "up" && dy >= 0) || (direction === "down" && dy <= 0)) continue;
    const cost = vertical ? Math.abs(dy) + Math.abs(there.x - here.x) * 2 : Math.abs(dy) + Math.abs(there.x - here.x);
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id ?? null;
}
