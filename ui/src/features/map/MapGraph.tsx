// The map as a picture: pan by dragging, zoom with the wheel, walk with the arrow keys.
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Skeleton } from "../../components/States.tsx";
import { formatPercent, formatRate } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import {
  type Direction,
  edgeWidth,
  errorRatio,
  type Graph,
  health,
  type MapEdge,
  type MapNode,
  neighbour,
} from "./graph.ts";
import { edgePath, fitView, type Layout, layOut, NODE_HEIGHT, NODE_WIDTH, type View, zoomAt } from "./layout.ts";
import styles from "./Map.module.css";
import { NodeShape } from "./NodeShape.tsx";

export type MapMetric = "rate" | "errors" | "p95";

export interface MapGraphProps {
  graph: Graph;
  metric: MapMetric;
  seconds: number;
  selected: string | null;
  onSelect: (id: string) => void;
  onOpen: (node: MapNode) => void;
  onOpenEdge: (edge: MapEdge) => void;
  /** Names that the search does not find are dimmed. */
  find: string;
}

const ARROWS: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
const WHEEL_STEP = 1.0015;

export function MapGraph({ graph, metric, seconds, selected, onSelect, onOpen, onOpenEdge, find }: MapGraphProps) {
  const box = useRef<HTMLDivElement>(null);
  const [layout, setLayout] = useState<Layout | null>(null);
  const [view, setView] = useState<View | null>(null);
  const [hover, setHover] = useState<string | null>(null);
  const drag = useRef<{ x: number; y: number; moved: boolean } | null>(null);
  const key = useMemo(() => graph.nodes.map((node) => node.id).join("\n"), [graph]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the set of nodes decides about a new layout, not their figures
  useEffect(() => {
    let current = true;
    void layOut(
      graph.nodes.map((node) => node.id),
      graph.edges,
    ).then((next) => {
      if (!current) return;
      setLayout(next);
      const element = box.current;
      if (element) setView(fitView(next, { width: element.clientWidth, height: element.clientHeight }));
    });
    return () => {
      current = false;
    };
  }, [key]);

  const refit = useCallback(() => {
    const element = box.current;
    if (layout && element) setView(fitView(layout, { width: element.clientWidth, height: element.clientHeight }));
  }, [layout]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(refit);
    observer.observe(element);
    // React listens to wheels passively; the page behind must not scroll.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const bounds = element.getBoundingClientRect();
      const point = { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
      setView((old) => old && zoomAt(old, point, WHEEL_STEP ** -event.deltaY));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", onWheel);
    };
  }, [refit]);

  const onKeyDown = (event: KeyboardEvent) => {
    const direction = ARROWS[event.key];
    const node = graph.nodes.find((each) => each.id === selected);
    if (direction && layout) {
      const next = neighbour(graph, layout.nodes, selected ?? "", direction);
      if (next) onSelect(next);
    } else if (event.key === "Enter" && node) onOpen(node);
    else if (event.key === "+" || event.key === "-") {
      const bounds = box.current?.getBoundingClientRect();
      const centre = { x: (bounds?.width ?? 0) / 2, y: (bounds?.height ?? 0) / 2 };
      setView((old) => old && zoomAt(old, centre, event.key === "+" ? 1.25 : 0.8));
    } else if (event.key === "0") refit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const onPointerMove = (event: PointerEvent) => {
    const from = drag.current;
    if (!from) return;
    const { clientX, clientY } = event;
    if (!from.moved && Math.hypot(clientX - from.x, clientY - from.y) < 3) return;
    if (!from.moved) event.currentTarget.setPointerCapture(event.pointerId);
    setView((old) => old && { ...old, x: old.x + clientX - from.x, y: old.y + clientY - from.y });
    drag.current = { x: clientX, y: clientY, moved: true };
  };

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
    <div
      ref={box}
      className={styles.graph}
      role="application"
      aria-label={`Service map with ${graph.nodes.length} nodes and ${graph.edges.length} edges; the table has the same figures`}
      aria-activedescendant={selected ? domId(selected) : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: as above
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, moved: false };
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        drag.current = null;
      }}
      onDoubleClick={refit}
    >
      {!layout && <Skeleton shape="chart" />}
      {layout && view && (
        <svg className={styles.svg} aria-hidden={false}>
          <title>Service map</title>
          <g transform={`translate(${view.x},${view.y}) scale(${view.scale})`}>
            {graph.edges.map((edge) => (
              <EdgeLine
                key={edge.id}
                edge={edge}
                layout={layout}
                seconds={seconds}
                faded={near !== null && !(edge.from === hover || edge.to === hover || edge.id === hover)}
                strong={edge.id === hover}
                onHover={setHover}
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
                  onPointerEnter={() => setHover(node.id)}
                  onPointerLeave={() => setHover(null)}
                >
                  <g role="button" onClick={() => onOpen(node)}>
                    <NodeShape node={node} note={noteOf(node, metric, seconds)} />
                  </g>
                </g>
              ) : null;
            })}
            {hover && (
              <EdgeLabel edge={graph.edges.find((edge) => edge.id === hover)} layout={layout} seconds={seconds} />
            )}
          </g>
        </svg>
      )}
      <div className={styles.zoom}>
        <button type="button" className="button small" onClick={refit} title="Whole map (0)">
          Fit
        </button>
      </div>
    </div>
  );
}

function domId(id: string): string {
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
