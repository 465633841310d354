// What two looks at the server's own metrics say: rates, means, and how full queues are.
import { type SelfMetrics, sumOf } from "../../api/self-metrics.ts";

export interface Look {
  metrics: SelfMetrics;
  atMilli: number;
}

/** By how much a counter grew in a second; null when it began anew or is not there. */
export function rateBetween(
  before: Look,
  now: Look,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const [old, current] = [sumOf(before.metrics, name, labels), sumOf(now.metrics, name, labels)];
  const seconds = (now.atMilli - before.atMilli) / 1000;
  if (old === null || current === null || current < old || seconds <= 0) return null;
  return (current - old) / seconds;
}

/** The mean of a summary between two looks; null when nothing was added. */
export function meanBetween(before: Look, now: Look, name: string): number | null {
  const [sum, count] = [rateBetween(before, now, `${name}_sum`), rateBetween(before, now, `${name}_count`)];
  return sum === null || !count ? null : sum / count;
}

export interface Queue {
  name: string;
  size: number;
  capacity: number | null;
}

export function queuesOf(metrics: SelfMetrics): Queue[] {
  return (metrics.get("otelcol_exporter_queue_size") ?? []).map(({ labels, value }) => ({
    name: [labels.exporter, labels.data_type].filter(Boolean).join(" "),
    size: value,
    capacity: sumOf(metrics, "otelcol_exporter_queue_capacity", labels),
  }));
}
