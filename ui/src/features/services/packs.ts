// Runtime packs: which charts make sense for the metrics that a service has. A chart whose metric is absent is left out.
import type { Unit } from "../../lib/units.ts";

export interface PackChart {
  title: string;
  unit: Unit;
  /** The metric that must be there. */
  needs: string;
  /** `$s` stands for the matchers of the service. */
  query: string;
}

export interface Pack {
  title: string;
  charts: readonly PackChart[];
}

const gauge = (title: string, needs: string, unit: Unit): PackChart => ({ title, needs, unit, query: `${needs}{$s}` });
const rate = (title: string, needs: string, unit: Unit): PackChart => ({
  title,
  needs,
  unit,
  query: `rate(${needs}{$s}[5m])`,
});

const PACKS: readonly Pack[] = [
  {
    title: "Process",
    charts: [
      rate("CPU (cores)", "process_cpu_seconds_total", "none"),
      rate("CPU (cores)", "process_cpu_time_seconds_total", "none"),
      gauge("Resident memory", "process_resident_memory_bytes", "bytes"),
      gauge("Memory", "process_memory_usage_bytes", "bytes"),
      gauge("Open file descriptors", "process_open_fds", "none"),
      gauge("Threads", "process_threads", "none"),
    ],
  },
  {
    title: "Go",
    charts: [
      gauge("Goroutines", "go_goroutines", "none"),
      gauge("Goroutines", "go_goroutine_count", "none"),
      gauge("Heap", "go_memstats_alloc_bytes", "bytes"),
      gauge("Memory", "go_memory_used_bytes", "bytes"),
      rate("Allocations", "go_memory_allocated_bytes_total", "bytes/s"),
      rate("Garbage collection", "go_gc_duration_seconds_sum", "none"),
    ],
  },
  {
    title: "Node.js",
    charts: [
      gauge("Event loop lag", "nodejs_eventloop_lag_seconds", "seconds"),
      gauge("Event loop delay, p99", "nodejs_eventloop_delay_p99_seconds", "seconds"),
      gauge("Event loop utilisation", "nodejs_eventloop_utilization_ratio", "ratio"),
      gauge("Heap used", "v8js_memory_heap_used_bytes", "bytes"),
      gauge("Heap limit", "v8js_memory_heap_limit_bytes", "bytes"),
      rate("Garbage collection", "v8js_gc_duration_seconds_sum", "none"),
    ],
  },
  {
    title: "JVM",
    charts: [
      gauge("Memory used", "jvm_memory_used_bytes", "bytes"),
      gauge("Threads", "jvm_thread_count", "none"),
      rate("Garbage collection", "jvm_gc_duration_seconds_sum", "none"),
      gauge("Loaded classes", "jvm_class_count", "none"),
      gauge("CPU", "jvm_cpu_recent_utilization_ratio", "ratio"),
    ],
  },
  {
    title: "Python",
    charts: [
      gauge("Memory", "process_runtime_cpython_memory_bytes", "bytes"),
      gauge("Threads", "process_runtime_cpython_thread_count", "none"),
      rate("Garbage collections", "cpython_gc_collections_total", "per-second"),
    ],
  },
  {
    title: ".NET",
    charts: [
      gauge("Working set", "dotnet_process_memory_working_set_bytes", "bytes"),
      rate("Garbage collections", "dotnet_gc_collections_total", "per-second"),
      gauge("Thread pool", "dotnet_thread_pool_thread_count", "none"),
      rate("Exceptions", "dotnet_exceptions_total", "per-second"),
    ],
  },
  {
    title: "Rust",
    charts: [gauge("Allocated", "rust_alloc_bytes", "bytes"), gauge("Tasks", "tokio_alive_tasks", "none")],
  },
];

/** The packs that have at least one chart for these metrics, with those charts only. */
export function packsFor(metrics: readonly string[]): Pack[] {
  const known = new Set(metrics);
  return PACKS.map((pack) => ({ ...pack, charts: pack.charts.filter((chart) => known.has(chart.needs)) })).filter(
    (pack) => pack.charts.length > 0,
  );
}

/** A label matcher for a service, as PromQL writes it. */
export function serviceMatcher(service: string): string {
  return `service="${service.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
