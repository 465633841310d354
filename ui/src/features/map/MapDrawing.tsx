// The nodes and edges of the map. Drawn anew when the graph or what is pointed at changes, and not while it is moved.
import { memo, useMemo } from "react";
import { formatPercent, formatRate } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { edgeWidth, errorRatio, type Graph, health, type MapEdge, type MapMetric, type MapNode } from "./graph.ts";
import { edgePath, type Layout, NODE_HEIGHT, NODE_WIDTH } from "./layout.ts";
import styles from "./Map.module.css";
import { NodeShape } from "./NodeShape.tsx";

interface MapDrawingProps {
  graph: Graph;
  layout: Layout;
  metric: MapMetric;
  seconds: number;
  selected: string | null;
  find: string;
  hover: string | null;
  onHover: (id: string | null) => void;
  onOpen: (node: MapNode) => void;
  onOpenEdge: (edge: MapEdge) => void;
}

export const MapDrawing = memo(function MapDrawing(props: MapDrawingProps) {
  const { graph, layout, metric, seconds, selected, find, hover, onHover, onOpen, onOpenEdge } = props;
  const wanted = find.trim().toLowerCase();
  const dim = (node: MapNode) => wanted !== "" && !node.name.toLowerCase().includes(wanted);
  const near = useMemo(() => {
    const at = hover ?? null;
    if (at === null) return null;
    const ids = new Set([at]);
    for (const edge of graph.edges) {
      if (edge.from === at) ids.add(edge.to);
      if (edge.to === at) ids.add(edge.from);
      if (edge.id === at) ids.add(edge.from).add(edge.to);
    }
    return ids;
  }, [hover, graph]);

  return (
    <>
      {graph.edges.map((edge) => (
        <EdgeLine
          key={edge.id}
          edge={edge}
          layout={layout}
          seconds={seconds}
          faded={near !== null && !(edge.from === hover || edge.to === hover || edge.id === hover)}
          strong={edge.id === hover}
          onHover={onHover}
          onOpen={() => onOpenEdge(edge)}
        />
      ))}
      {graph.nodes.map((node) => {
        const at = layout.nodes.get(node.id);
        return at ? (
          <g
            key={node.id}
            id={domId(node.id)}
            className={styles.node}
            style={{ transform: `translate(${at.x - NODE_WIDTH / 2}px, ${at.y - NODE_HEIGHT / 2}px)` }}
            data-selected={node.id === selected}
            data-dim={dim(node) || (near !== null && !near.has(node.id))}
            onPointerEnter={() => onHover(node.id)}
            onPointerLeave={() => onHover(null)}
          >
            <g role="button" onClick={() => onOpen(node)}>
              <NodeShape node={node} note={noteOf(node, metric, seconds)} />
            </g>
          </g>
        ) : null;
      })}
      {hover && <EdgeLabel edge={graph.edges.find((edge) => edge.id === hover)} layout={layout} seconds={seconds} />}
    </>
  );
});

export function domId(id: string): string {
  return `map-${id.replace(/[^\w-]/g, "_")}`;
}

function noteOf(node: MapNode, metric: MapMetric, seconds: number): string {
  if (node.kind === "group") return `${node.members} services`;
  if (node.calls === 0) return `calls ${formatRate(node.callsOut / seconds)}`;
  if (metric === "errors") return `${formatPercent(errorRatio(node))} errors`;
  if (metric === "p95") return `p95 ${formatDuration(node.p95Nanos)}`;
  return formatRate(node.calls / seconds);
}

interface EdgeLineProps {
  edge: MapEdge;
  layout: Layout;
  seconds: number;
  faded: boolean;
  strong: boolean;
  onHover: (id: string | null) => void;
  onOpen: () => void;
}

function EdgeLine({ edge, layout, seconds, faded, strong, onHover, onOpen }: EdgeLineProps) {
  const path = edgePath(layout, edge);
  const width = edgeWidth(edge.calls / seconds);
  return (
    <g className={styles.edge} data-health={health(edge)} data-faded={faded} data-strong={strong}>
      <path d={path} className={styles.line} strokeWidth={width} />
      <Arrow path={path} size={4 + width} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the table lists the same edges as links */}
      <path
        d={path}
        className={styles.hit}
        onPointerEnter={() => onHover(edge.id)}
        onPointerLeave={() => onHover(null)}
        onClick={onOpen}
      />
    </g>
  );
}

/** The head of an arrow at the end of a path, along its last stretch. */
function Arrow({ path, size }: { path: string; size: number }) {
  const numbers = path.match(/-?[\d.]+/g)?.map(Number) ?? [];
  const [x = 0, y = 0] = numbers.slice(-2);
  const [px = x - 1, py = y] = numbers.slice(-4, -2);
  const angle = (Math.atan2(y - py, x - px) * 180) / Math.PI;
  return (
    <path
      className={styles.arrow}
      d={`M0,0L${-size},${size / 2}L${-size},${-size / 2}Z`}
      transform={`translate(${x},${y}) rotate(${angle})`}
    />
  );
}

function EdgeLabel({ edge, layout, seconds }: { edge: MapEdge | undefined; layout: Layout; seconds: number }) {
  if (!edge) return null;
  const from = layout.nodes.get(edge.from);
  const to = layout.nodes.get(edge.to);
  if (!from || !to) return null;
  const points = layout.edges.get(edge.id) ?? [];
  const middle = points[Math.floor(points.length / 2)] ?? { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const text = `${formatRate(edge.calls / seconds)} \u00b7 ${formatPercent(errorRatio(edge))} errors \u00b7 p95 ${formatDuration(edge.p95Nanos)}`;
  const width = text.length * 6.4 + 16;
  return (
    <g className={styles.label} transform={`translate(${middle.x},${middle.y})`}>
      <rect x={-width / 2} y={-11} width={width} height={22} rx={4} />
      <text textAnchor="middle" dy="4">
        {text}
      </text>
    </g>
  );
}
