// How a node looks: a box for services, a drum for databases, a pipe for queues, a stack for groups; errors are a red
// part of the line below the name.
import { serviceColour } from "../../lib/colour.ts";
import { errorRatio, health, type MapNode } from "./graph.ts";
import { NODE_HEIGHT as H, NODE_WIDTH as W } from "./layout.ts";
import styles from "./Map.module.css";

const NAME_CHARS = 21;
const DRUM = 6;
const BAR = { x: 12, width: W - 24 };

export function NodeShape({ node, note }: { node: MapNode; note: string }) {
  const ratio = errorRatio(node);
  return (
    <>
      <title>{node.name}</title>
      <Outline kind={node.kind} />
      {node.kind === "service" && (
        <rect x={0} y={8} width={3} height={H - 16} rx={1.5} style={{ fill: serviceColour(node.name) }} />
      )}
      <text x={12} y={20} className={styles.name}>
        {node.name.length > NAME_CHARS ? `${node.name.slice(0, NAME_CHARS - 1)}\u2026` : node.name}
      </text>
      <text x={12} y={36} className={styles.note} data-health={health(node)}>
        {note}
      </text>
      <text x={W - 12} y={36} textAnchor="end" className={styles.kind}>
        {node.kind === "service" ? "" : node.kind}
      </text>
      {node.calls > 0 && (
        <>
          <rect x={BAR.x} y={H - 7} width={BAR.width} height={2.5} rx={1.25} className={styles.good} />
          {ratio > 0 && (
            <rect
              x={BAR.x}
              y={H - 7}
              width={Math.max(3, BAR.width * ratio)}
              height={2.5}
              rx={1.25}
              className={styles.bad}
            />
          )}
        </>
      )}
    </>
  );
}

function Outline({ kind }: { kind: string }) {
  switch (kind) {
    case "database":
      return (
        <>
          <path
            className={styles.outline}
            d={`M0,${DRUM}C0,${-DRUM / 2} ${W},${-DRUM / 2} ${W},${DRUM}V${H - DRUM}C${W},${H + DRUM / 2} 0,${H + DRUM / 2} 0,${H - DRUM}Z`}
          />
          <path className={styles.rim} d={`M0,${DRUM}C0,${DRUM * 2} ${W},${DRUM * 2} ${W},${DRUM}`} />
        </>
      );
    case "messaging":
      return <rect className={styles.outline} width={W} height={H} rx={H / 2} strokeDasharray="5 3" />;
    case "group":
      return (
        <>
          <rect className={styles.outline} x={6} y={-5} width={W - 12} height={H} rx={6} />
          <rect className={styles.outline} width={W} height={H} rx={6} />
        </>
      );
    default:
      return <rect className={styles.outline} width={W} height={H} rx={6} />;
  }
}
