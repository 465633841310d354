// Every measurement. A case names its figures: what, unit, budget, and how the figure is judged: lengths of time (the
// default) and frames suffer from other work on the machine, CPU and sizes do not. `run` answers with a number per
// figure, or with `{wall, cpu}` where the CPU time behind a length of time is known.
import { CHART_CASES } from "./charts.mjs";
import { DASHBOARD_CASES } from "./dashboards.mjs";
import { LOG_CASES } from "./logs.mjs";
import { MAP_CASES } from "./map.mjs";
import { PAGE_CASES } from "./pages.mjs";
import { TRACE_CASES } from "./traces.mjs";

export const CASES = [...PAGE_CASES, ...TRACE_CASES, ...CHART_CASES, ...DASHBOARD_CASES, ...MAP_CASES, ...LOG_CASES];
