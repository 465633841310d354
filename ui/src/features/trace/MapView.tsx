// The services of this trace and who called whom, in layers from the root on. The table below it has the same numbers.
import { useMemo } from "react";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./MapView.module.css";
import { serviceGraph } from "./stats.ts";
import type { TraceTree } from "./tree.ts";

const BOX_WIDE = 168;
const BOX_HIGH = 44;
const GAP_X = 90;
const GAP_Y = 18;

export function MapView({ tree, colours }: { tree: TraceTree; colours: ReadonlyMap<string, string> }) {
  const graph = useMemo(() => serviceGraph(tree), [tree]);
  const tallest = Math.max(...graph.layers.map((layer) => layer.length));
  const place = new Map(
    graph.layers.flatMap((layer, column) =>
      layer.map((service, row): [number, { x: number; y: number }] => [
        service,
        { x: column * (BOX_WIDE + GAP_X), y: (row + (tallest - layer.length) / 2) * (BOX_HIGH + GAP_Y) },
      ]),
    ),
  );
  const width = graph.layers.length * (BOX_WIDE + GAP_X) - GAP_X;
  const height = tallest * (BOX_HIGH + GAP_Y) - GAP_Y;
  const name = (service: number) => tree.services[service] ?? "";
  return (
    <div className={styles.box}>
      <svg
        className={styles.graph}
        viewBox={`-8 -20 ${width + 16} ${height + 40}`}
        style={{ width: width + 16, height: height + 40 }}
        role="img"
        aria-label={`${plural(tree.services.length, "service")}; the table below has the calls between them`}
      >
        {graph.calls.map((call) => {
          const a = place.get(call.from);
          const b = place.get(call.to);
          if (!a || !b) return null;
          const forward = b.x > a.x;
          const x1 = forward ? a.x + BOX_WIDE : a.x + BOX_WIDE / 2;
          const y1 = forward ? a.y + BOX_HIGH / 2 : a.y + BOX_HIGH;
          const x2 = forward ? b.x : b.x + BOX_WIDE / 2;
          const y2 = forward ? b.y + BOX_HIGH / 2 : b.y;
          const mid = (x1 + x2) / 2;
          return (
            <g key={`${call.from} ${call.to}`} className={styles.edge} data-error={call.errors > 0}>
              <path
                d={`M${x1},${y1} C${mid},${y1} ${mid},${y2} ${x2},${y2}`}
                strokeWidth={1 + Math.log10(call.calls + 1)}
              />
              <text x={mid} y={(y1 + y2) / 2 - 5}>
                {formatCount(call.calls)}
              </text>
            </g>
          );
        })}
        {[...place].map(([service, { x, y }]) => (
          <g
            key={service}
            transform={`translate(${x},${y})`}
            className={styles.node}
            data-error={(graph.errors[service] ?? 0) > 0}
          >
            <title>{name(service)}</title>
            <rect width={BOX_WIDE} height={BOX_HIGH} rx={4} />
            <rect width={4} height={BOX_HIGH} rx={2} style={{ fill: colours.get(name(service)), stroke: "none" }} />
            <text x={14} y={18} className={styles.name}>
              {name(service).length > 22 ? `${name(service).slice(0, 21)}…` : name(service)}
            </text>
            <text x={14} y={34} className={styles.facts}>
              {plural(graph.spans[service] ?? 0, "span")}, self {formatDuration(graph.self[service] ?? 0)}
            </text>
          </g>
        ))}
      </svg>
      <table className="table">
        <thead>
          <tr>
            <th>From</th>
            <th>To</th>
            <th className="number">Calls</th>
            <th className="number">Errors</th>
            <th className="number">Time in all</th>
            <th className="number">Mean</th>
          </tr>
        </thead>
        <tbody>
          {[...graph.calls]
            .sort((a, b) => b.total - a.total)
            .map((call) => (
              <tr key={`${call.from} ${call.to}`}>
                <td>{name(call.from)}</td>
                <td>{name(call.to)}</td>
                <td className="number">{formatCount(call.calls)}</td>
                <td className={`number ${call.errors > 0 ? styles.error : "faint"}`}>{formatCount(call.errors)}</td>
                <td className="number">{formatDuration(call.total)}</td>
                <td className="number">{formatDuration(call.total / call.calls)}</td>
              </tr>
            ))}
          {graph.calls.length === 0 && (
            <tr>
              <td colSpan={6} className="faint">
                All spans belong to one service
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
