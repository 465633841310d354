// GET /api/v1/self-metrics: what the server measures of itself, in the text format of Prometheus.
import { requestBytes } from "./client.ts";

export interface SelfSample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** By name, in the order of the text. */
export type SelfMetrics = ReadonlyMap<string, readonly SelfSample[]>;

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

const unescaped = (text: string) => text.replaceAll(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));

/** Lines that are none of the format are left out: this is shown, not counted. */
export function parseSelfMetrics(text: string): SelfMetrics {
  const found = new Map<string, SelfSample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", raw = ""]) => [key, unescaped(raw)] as const);
    const samples = found.get(name) ?? [];
    samples.push({ labels: Object.fromEntries(pairs), value: Number(value.replace("Inf", "Infinity")) });
    found.set(name, samples);
  }
  return found;
}

export async function fetchSelfMetrics(signal: AbortSignal): Promise<SelfMetrics> {
  const { value } = await requestBytes({ path: "api/v1/self-metrics", signal });
  return parseSelfMetrics(new TextDecoder().decode(value));
}

/** The sum over all samples with these labels; null when there is none. */
export function sumOf(
  metrics: SelfMetrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const wanted = Object.entries(labels);
  const found = (metrics.get(name) ?? []).filter((each) => wanted.every(([key, value]) => each.labels[key] === value));
  return found.length === 0 ? null : found.reduce((sum, each) => sum + each.value, 0);
}
