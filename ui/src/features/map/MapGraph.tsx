// The map as a picture: pan by dragging, zoom with the wheel, walk with the arrow keys.
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Skeleton } from "../../components/States.tsx";
import { type Direction, type Graph, type MapEdge, type MapMetric, type MapNode, neighbour } from "./graph.ts";
import { fitView, type Layout, layOut, type View, zoomAt } from "./layout.ts";
import styles from "./Map.module.css";
import { domId, MapDrawing } from "./MapDrawing.tsx";

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
            <MapDrawing
              graph={graph}
              layout={layout}
              metric={metric}
              seconds={seconds}
              selected={selected}
              find={find}
              hover={hover}
              onHover={setHover}
              onOpen={onOpen}
              onOpenEdge={onOpenEdge}
            />
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
