// Where nodes stand: computed in a worker, and kept as long as the same nodes are on the map, so that a refresh
// moves nothing.

export const NODE_WIDTH = 172;
export const NODE_HEIGHT = 50;

export interface Point {
  x: number;
  y: number;
}

export interface LayoutRequest {
  nodes: string[];
  /** Pairs of indices into `nodes`. */
  edges: [number, number][];
}

export interface LayoutAnswer {
  /** Centres, in the order of the request. */
  nodes: Point[];
  edges: Point[][];
  width: number;
  height: number;
}

export interface Layout {
  nodes: ReadonlyMap<string, Point>;
  /** By `from > to`. */
  edges: ReadonlyMap<string, Point[]>;
  width: number;
  height: number;
}

const known = new Map<string, Layout>();
const KNOWN_MAX = 50;

export async function layOut(
  nodes: readonly string[],
  edges: readonly { id: string; from: string; to: string }[],
): Promise<Layout> {
  const key = [...nodes].sort().join("\n");
  const before = known.get(key);
  if (before) return before;
  const index = new Map(nodes.map((id, at) => [id, at]));
  const pairs = edges.map((edge): [number, number] => [index.get(edge.from) ?? 0, index.get(edge.to) ?? 0]);
  const answer = await ask({ nodes: [...nodes], edges: pairs });
  const layout: Layout = {
    nodes: new Map(nodes.map((id, at) => [id, answer.nodes[at] ?? { x: 0, y: 0 }])),
    edges: new Map(edges.map((edge, at) => [edge.id, answer.edges[at] ?? []])),
    width: answer.width,
    height: answer.height,
  };
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(key, layout);
  return layout;
}

function ask(request: LayoutRequest): Promise<LayoutAnswer> {
  const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
  return new Promise<LayoutAnswer>((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<LayoutAnswer>) => resolve(event.data);
    worker.onerror = (event) => reject(new Error(event.message || "the layout failed"));
    worker.postMessage(request);
  }).finally(() => worker.terminate());
}

/** The path of an edge: through the points of the layout, or straight when the edge is newer than it. */
export function edgePath(layout: Layout, edge: { id: string; from: string; to: string }): string {
  const points = layout.edges.get(edge.id) ?? [];
  if (points.length >= 2) return smooth(points);
  const from = layout.nodes.get(edge.from);
  const to = layout.nodes.get(edge.to);
  if (!from || !to) return "";
  const start = { x: from.x + NODE_WIDTH / 2, y: from.y };
  const end = { x: to.x - NODE_WIDTH / 2, y: to.y };
  const bend = Math.max(40, Math.abs(end.x - start.x) / 2);
  return `M${start.x},${start.y}C${start.x + bend},${start.y} ${end.x - bend},${end.y} ${end.x},${end.y}`;
}

/** Quadratic curves through the middles, so that corners are round. */
export function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    if (!next) path += `L${point.x},${point.y}`;
    else path += `Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  return path;
}

export interface View {
  x: number;
  y: number;
  scale: number;
}

const MARGIN = 24;
const SCALE_MAX_FIT = 1.15;
export const SCALE_MIN = 0.1;
export const SCALE_MAX = 3;

/** The view in which the whole layout is in the box. */
export function fitView(layout: { width: number; height: number }, box: { width: number; height: number }): View {
  const scale = Math.min(
    SCALE_MAX_FIT,
    Math.max(SCALE_MIN, Math.min((box.width - 2 * MARGIN) / layout.width, (box.height - 2 * MARGIN) / layout.height)),
  );
  return { scale, x: (box.width - layout.width * scale) / 2, y: (box.height - layout.height * scale) / 2 };
}

/** Zooms so that the point of the box under the pointer stays where it is. */
export function zoomAt(view: View, point: Point, factor: number): View {
  const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio };
}
