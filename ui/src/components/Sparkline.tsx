// A small line without axes: the shape of a number over time. What it shows stands beside it in words.
import styles from "./Sparkline.module.css";

export interface SparklineProps {
  values: readonly (number | null)[];
  /** Accessible description, such as "calls per second, 2 to 14". */
  label: string;
  colour?: string;
  width?: number;
  height?: number;
  /** Stretches over the width of its box. */
  wide?: boolean;
}

export function Sparkline({
  values,
  label,
  colour = "var(--series-0)",
  width = 88,
  height = 20,
  wide,
}: SparklineProps) {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const max = known.length > 0 ? Math.max(...known, 0) : 0;
  const min = Math.min(0, ...known);
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
      {...(wide ? { style: { width: "100%", height } } : { width, height })}
    >
      {sparkPaths(values, width, height, min, max).map((path) => (
        <path key={path} d={path} stroke={colour} />
      ))}
    </svg>
  );
}

/** One path per stretch without gaps; a lone point is a short dash. */
export function sparkPaths(
  values: readonly (number | null)[],
  width: number,
  height: number,
  min: number,
  max: number,
): string[] {
  const span = max - min || 1;
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const at = (value: number, index: number) =>
    `${round(index * step)},${round(height - 1.5 - ((value - min) / span) * (height - 3))}`;
  const paths: string[] = [];
  let current: string[] = [];
  const finish = () => {
    if (current.length === 1) paths.push(`M${current[0]}h1`);
    else if (current.length > 1) paths.push(`M${current.join("L")}`);
    current = [];
  };
  values.forEach((value, index) => {
    if (value === null || !Number.isFinite(value)) finish();
    else current.push(at(value, index));
  });
  finish();
  return paths;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
