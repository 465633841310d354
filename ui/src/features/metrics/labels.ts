// Names of series: labels that all of them share are lifted out and shown once.
import type { Labels } from "../../api/prometheus.ts";

/** Labels with one value in every series; none when there is only one series. */
export function commonLabels(all: readonly Labels[]): Labels {
  const [first, ...rest] = all;
  if (!first || rest.length === 0) return {};
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => rest.every((labels) => labels[key] === value)),
  );
}

/** `name{a="b"}` without the labels in `without`; "value" when nothing is left. */
export function seriesName(labels: Labels, without: Labels = {}): string {
  const name = "__name__" in without ? "" : (labels.__name__ ?? "");
  const pairs = Object.entries(labels).filter(([key]) => key !== "__name__" && !(key in without));
  if (pairs.length === 0) return name || "value";
  return `${name}{${pairs.map(([key, value]) => `${key}="${value}"`).join(", ")}}`;
}
