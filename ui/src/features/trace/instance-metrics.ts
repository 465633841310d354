// Which metrics of an instance explain a span: by the names that runtimes and libraries give them.
import { valueText } from "../../api/otlp.ts";
import type { Span } from "../../api/traces.ts";
import type { Unit } from "../../lib/units.ts";

export interface Instance {
  service: string;
  /** Empty when spans do not say it. */
  id: string;
}

export function instanceOf(span: { service: string; resource: Pick<Span["resource"], "attributes"> }): Instance | null {
  const id = span.resource.attributes.find(({ key }) => key === "service.instance.id");
  return span.service === "" ? null : { service: span.service, id: id ? valueText(id.value) : "" };
}

export function selectorOf({ service, id }: Instance): string {
  const parts = [`service=${JSON.stringify(service)}`];
  if (id !== "") parts.push(`instance=${JSON.stringify(id)}`);
  return parts.join(",");
}

export interface InstanceChart {
  title: string;
  query: string;
  unit: Unit;
}

interface Kind {
  title: string;
  name: RegExp;
  unit: Unit;
  how: "gauge" | "rate" | "resets";
}

/** One chart for each kind, of the first metric that fits. */
const KINDS: readonly Kind[] = [
  {
    title: "CPU",
    name: /^(container|process)_cpu_(seconds|time_seconds)_total$|^process_cpu_time(_seconds)?_total$/,
    unit: "none",
    how: "rate",
  },
  { title: "CPU", name: /^process_cpu_utilization(_ratio)?$/, unit: "ratio", how: "gauge" },
  {
    title: "Memory",
    name: /^process_(resident_memory|memory_usage|memory)_bytes$|^container_memory_working_set_bytes$/,
    unit: "bytes",
    how: "gauge",
  },
  {
    title: "Heap",
    name: /^(go_memstats_alloc_bytes|nodejs_heap_size_used_bytes|v8js_memory_heap_used_bytes|jvm_memory_used_bytes)$/,
    unit: "bytes",
    how: "gauge",
  },
  {
    title: "Event loop lag",
    name: /^nodejs_eventloop_(lag_p99_seconds|lag_seconds|delay_p99_seconds|delay_mean_seconds)$/,
    unit: "seconds",
    how: "gauge",
  },
  { title: "Goroutines", name: /^go_goroutines?(_count)?$/, unit: "none", how: "gauge" },
  { title: "Threads", name: /^jvm_threads?_(live|count|current)(_threads)?$/, unit: "none", how: "gauge" },
  {
    title: "Connections",
    name: /^db_(client_)?connections?_(usage|active|count|waiting|pending_requests)$/,
    unit: "none",
    how: "gauge",
  },
  { title: "Requests in flight", name: /^http_(server_)?active_requests$/, unit: "none", how: "gauge" },
  { title: "Restarts", name: /^process_start_time_seconds$/, unit: "none", how: "resets" },
];

export function chartsOf(names: readonly string[], instance: Instance): InstanceChart[] {
  const selector = selectorOf(instance);
  const titles = new Set<string>();
  return KINDS.flatMap(({ title, name, unit, how }): InstanceChart[] => {
    const found = titles.has(title) ? undefined : names.find((each) => name.test(each));
    if (!found) return [];
    titles.add(title);
    const series = `${found}{${selector}}`;
    const query = how === "rate" ? `rate(${series}[1m])` : how === "resets" ? `changes(${series}[5m])` : series;
    return [{ title, query, unit }];
  });
}
