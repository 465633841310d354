// Layered layout of the service map from left to right, off the main thread.
import { Graph, layout } from "@dagrejs/dagre";
import { type LayoutAnswer, type LayoutRequest, NODE_HEIGHT, NODE_WIDTH } from "./layout.ts";

const RANK_GAP = 90;
const NODE_GAP = 26;

function arrange({ nodes, edges }: LayoutRequest): LayoutAnswer {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", ranksep: RANK_GAP, nodesep: NODE_GAP, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  nodes.forEach((_, index) => {
    graph.setNode(String(index), { width: NODE_WIDTH, height: NODE_HEIGHT });
  });
  edges.forEach(([from, to], index) => {
    graph.setEdge(String(from), String(to), {}, String(index));
  });
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    nodes: nodes.map((_, index) => {
      const { x, y } = graph.node(String(index));
      return { x, y };
    }),
    edges: edges.map(([from, to], index) => {
      const points = graph.edge(String(from), String(to), String(index))?.points ?? [];
      return points.map(({ x, y }: { x: number; y: number }) => ({ x, y }));
    }),
    width: Math.max(NODE_WIDTH, Number.isFinite(size.width) ? (size.width ?? 0) : 0),
    height: Math.max(NODE_HEIGHT, Number.isFinite(size.height) ? (size.height ?? 0) : 0),
  };
}

self.onmessage = (event: MessageEvent<LayoutRequest>) => self.postMessage(arrange(event.data));
