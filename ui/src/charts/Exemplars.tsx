// Diamonds over the plot: each is a link to a trace, with a larger area to hit.
import type uPlot from "uplot";
import { PlainLink } from "../lib/PlainLink.tsx";
import type { Search } from "../lib/search.ts";
import styles from "./LineChart.module.css";

export interface Exemplar {
  /** Unix seconds. */
  time: number;
  value: number;
  path: string;
  search: Search;
  /** "trace 4bf92f, 812 ms" */
  label: string;
}

const EXEMPLARS_MAX = 200;
const BEYOND_MAX = 12;
const HIT_PX = 24;

export function Exemplars({ plot, exemplars }: { plot: uPlot; exemplars: readonly Exemplar[] }) {
  const top = plot.scales.y?.max ?? Number.POSITIVE_INFINITY;
  const sorted = [...exemplars].sort((a, b) => b.value - a.value);
  // What is beyond the axis stands at its upper end; only a few, as they tell no height.
  const beyond = sorted.filter((exemplar) => exemplar.value > top).slice(0, BEYOND_MAX);
  const inside = sorted.filter((exemplar) => exemplar.value <= top).slice(0, EXEMPLARS_MAX);
  const placed: { exemplar: Exemplar; left: number; height: number }[] = [];
  for (const exemplar of [...beyond, ...inside]) {
    const left = plot.valToPos(exemplar.time, "x") + plot.bbox.left / devicePixelRatio;
    const height = plot.valToPos(Math.min(top, exemplar.value), "y") + plot.bbox.top / devicePixelRatio;
    const known = Number.isFinite(left) && Number.isFinite(height) && left >= plot.bbox.left / devicePixelRatio;
    // Each has room to be hit; of those that crowd the slowest stays.
    const crowded = placed.some(
      (each) => Math.max(Math.abs(each.left - left), Math.abs(each.height - height)) < HIT_PX,
    );
    if (known && !crowded) placed.push({ exemplar, left, height });
  }
  return placed.map(({ exemplar, left, height }) => (
    <PlainLink
      key={`${exemplar.path} ${exemplar.time}`}
      className={styles.exemplar}
      path={exemplar.path}
      search={exemplar.search}
      title={exemplar.label}
      aria-label={exemplar.label}
      style={{ left, top: height }}
    >
      <i />
    </PlainLink>
  ));
}
