// The last hour of a value in a few pixels, with the threshold it is compared with; above it the line is drawn in the
// colour of errors and the area is filled.

import { sparkPaths } from "../../components/Sparkline.tsx";
import { type Comparison, holds } from "../../lib/comparison.ts";
import styles from "./MiniChart.module.css";

export interface MiniChartProps {
  values: readonly (number | null)[];
  comparison: Comparison | null;
  label: string;
}

const WIDTH = 120;
const HEIGHT = 30;

export function MiniChart({ values, comparison, label }: MiniChartProps) {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return <span className="faint">no values</span>;
  const threshold = comparison?.threshold;
  const all = threshold === undefined ? known : [...known, threshold];
  const max = Math.max(...all, 0);
  const min = Math.min(...all, 0);
  const last = known.at(-1) ?? 0;
  const bad = comparison !== null && holds(last, comparison.operator, comparison.threshold);
  const y = threshold === undefined ? 0 : HEIGHT - 1.5 - ((threshold - min) / (max - min || 1)) * (HEIGHT - 3);
  return (
    <svg
      className={styles.chart}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      {threshold !== undefined && <line className={styles.threshold} x1={0} x2={WIDTH} y1={y} y2={y} />}
      {sparkPaths(values, WIDTH, HEIGHT, min, max).map((path) => (
        <path key={path} d={path} className={styles.line} data-bad={bad} />
      ))}
    </svg>
  );
}
