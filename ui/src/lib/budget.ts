// What the figures of a budget mean: how it burns, what is left in words, and where it goes at this rate.
import type { Indicator, SloGroup, Tier } from "../api/slos.ts";

export type BurnState = "none" | "ok" | "increasing" | "recovering" | "burning" | "critical";

export const STATE_WORDS: Readonly<Record<BurnState, string>> = {
  none: "No events",
  ok: "OK",
  increasing: "Increasing",
  recovering: "Recovering",
  burning: "Burning",
  critical: "Critical",
};

export const STATE_TITLES: Readonly<Record<BurnState, string>> = {
  none: "Nothing was counted in the window",
  ok: "No window burns faster than its alert allows",
  increasing: "The short window burns fast, the long one does not yet",
  recovering: "The long window burnt fast, the short one does no more",
  burning: "Both windows of a slow alert burn too fast: worth a ticket",
  critical: "Both windows of a fast alert burn too fast: worth a page",
};

const RANK: Readonly<Record<BurnState, number>> = {
  none: 0,
  ok: 1,
  recovering: 2,
  increasing: 3,
  burning: 4,
  critical: 5,
};

/** The long window says that it matters, the short one that it still does. */
export function burnState(group: SloGroup, tiers: readonly Tier[]): BurnState {
  if (group.sli === null) return "none";
  const rate = (secs: number) => group.burn.find((each) => each.window_secs === secs)?.rate ?? 0;
  return tiers
    .map((tier): BurnState => {
      const [long, short] = [rate(tier.long_secs) > tier.factor, rate(tier.short_secs) > tier.factor];
      if (long && short) return tier.urgency === "page" ? "critical" : "burning";
      return long ? "recovering" : short && tier.urgency === "page" ? "increasing" : "ok";
    })
    .reduce((worst, each) => (RANK[each] > RANK[worst] ? each : worst), "ok" as BurnState);
}

/** The worst first: by state, then by what is left. */
export function byNeed(a: { state: BurnState; left: number }, b: { state: BurnState; left: number }): number {
  return RANK[b.state] - RANK[a.state] || a.left - b.left;
}

const UNITS: readonly [number, string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** Two units at most: "3 d 4 h", "31 min", "45 s". */
export function formatSpan(seconds: number): string {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "\u2212" : "";
  const at = UNITS.findIndex(([scale]) => size >= scale);
  if (at < 0) return "0 s";
  const [scale, unit] = UNITS[at] ?? [1, "s"];
  const next = UNITS[at + 1];
  const whole = Math.floor(size / scale);
  const rest = next ? Math.floor((size - whole * scale) / next[0]) : 0;
  // Seconds behind minutes are noise.
  return `${sign}${whole} ${unit}${rest > 0 && next && next[1] !== "s" ? ` ${rest} ${next[1]}` : ""}`;
}

/** As the server writes it in the names of recorded series: "5m", "1h24m". */
export function windowName(seconds: number): string {
  let rest = Math.round(seconds);
  let out = "";
  for (const [scale, unit] of [
    [86_400, "d"],
    [3600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const) {
    const whole = Math.floor(rest / scale);
    if (whole > 0) out += `${whole}${unit}`;
    rest -= whole * scale;
  }
  return out || "0s";
}

/** The whole budget as time of outage, in seconds. */
export function budgetSeconds(group: SloGroup): number {
  return group.budget.allowed * group.length_secs;
}

/** 0.999 as "99.9 %", without the noise of doubles. */
export function formatObjective(objective: number): string {
  return `${Number((objective * 100).toFixed(5))} %`;
}

/** As many digits as tell a ratio from its objective. */
export function formatSli(sli: number, objective: number): string {
  const digits = Math.min(5, Math.max(2, Math.ceil(-Math.log10(1 - objective))));
  return `${Number((sli * 100).toFixed(digits))} %`;
}

const HOUR_SECS = 3600;

/** The burn rate of the last hour, or of the window nearest to it. */
export function hourRate(group: SloGroup): number {
  const sorted = [...group.burn].sort(
    (a, b) => Math.abs(a.window_secs - HOUR_SECS) - Math.abs(b.window_secs - HOUR_SECS),
  );
  return sorted[0]?.rate ?? 0;
}

/** What is left after `seconds` at the last hour's rate. */
export function projected(group: SloGroup, seconds: number): number {
  return group.budget.remaining - (hourRate(group) * seconds) / group.length_secs;
}

export interface Projection {
  /** "At the last hour's rate (14.4x) the budget ends in 2 h 5 min" */
  sentence: string;
  tone: "bad" | "warn" | "good";
}

export function projectionOf(group: SloGroup): Projection {
  const rate = hourRate(group);
  const times = `${Number(rate.toPrecision(3))}\u00d7`;
  if (group.sli === null) return { sentence: "Nothing was counted, so nothing is spent.", tone: "good" };
  if (group.budget.remaining <= 0)
    return { sentence: `The budget is gone; the last hour burns ${times}.`, tone: "bad" };
  if (rate <= 1 || group.exhausted_in_secs === null)
    return { sentence: `At the last hour's rate (${times}) the budget lasts longer than its window.`, tone: "good" };
  const tone = group.exhausted_in_secs < 86_400 ? "bad" : "warn";
  return {
    sentence: `At the last hour's rate (${times}) the budget ends in ${formatSpan(group.exhausted_in_secs)}.`,
    tone,
  };
}

/** "only 6 d of 30 d are observed", empty when all of it is. */
export function observed(group: SloGroup): string {
  if (group.coverage >= 0.99) return "";
  return `only ${formatSpan(group.coverage * group.length_secs)} of ${formatSpan(group.length_secs)} are observed`;
}

/** The share of bad events over a few minutes, as PromQL; recorded series where the indicator is no ratio. */
export function badQuery(id: string, indicator: Indicator | null, labels: Readonly<Record<string, string>>): string {
  const own = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  if (indicator?.kind !== "ratio" || own.length > 0) {
    const matchers = [`sloth_slo=${JSON.stringify(id)}`, ...own].join(",");
    return `max({__name__=~"slo:sli_error:ratio_rate(5m|1m|2m)",${matchers}})`;
  }
  const sum = (selectors: readonly string[]) => selectors.map((each) => `sum(rate(${each}[5m]))`).join(" + ");
  return indicator.good.length > 0
    ? `1 - (${sum(indicator.good)}) / (${sum(indicator.total)})`
    : `(${sum(indicator.bad)} or vector(0)) / (${sum(indicator.total)})`;
}

export function indicatorWords(indicator: Indicator): string {
  switch (indicator.kind) {
    case "ratio":
      return indicator.good.length > 0
        ? `${indicator.good.join(" + ")} of ${indicator.total.join(" + ")} are good`
        : `${indicator.bad.join(" + ")} of ${indicator.total.join(" + ")} are bad`;
    case "latency":
      return `${indicator.histogram} is at most ${indicator.threshold}`;
    case "up":
      return `every sample of ${indicator.metric} is not 0`;
    case "events":
      return `${indicator.signal} with ${indicator.bad} among ${indicator.total || "all"} are bad`;
  }
}
