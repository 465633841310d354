// "What changed": services that behave otherwise than in the window before, new versions, new errors; the most
// remarkable first.
import type { ErrorGroup } from "../../api/errors.ts";
import type { ServiceFigures } from "../../api/services.ts";
import type { Range } from "../../lib/time/range.ts";

export interface News {
  kind: "rate" | "errors" | "latency" | "version" | "error";
  service: string;
  /** "p95 rose from 120 ms to 840 ms" */
  text: string;
  /** Larger is more remarkable. */
  score: number;
  /** Of an error group. */
  id?: string;
}

const CALLS_MIN = 20;
/** Standard deviations; below it a difference is what chance makes. */
const SIGMA_MIN = 3;
const LATENCY_RATIO = 1.5;
const LATENCY_MIN_NANOS = 5e6;

export interface Words {
  duration: (nanos: number) => string;
  percent: (ratio: number) => string;
  rate: (perSecond: number) => string;
}

/** Compares two windows of the same length, service by service. */
export function compareServices(
  now: readonly ServiceFigures[],
  before: readonly ServiceFigures[],
  words: Words,
): News[] {
  const old = new Map(before.map((service) => [service.name, service]));
  return now.flatMap((service) => {
    const then = old.get(service.name);
    if (!then) return [];
    return [rateNews(service, then, words), errorNews(service, then, words), latencyNews(service, then, words)].filter(
      (news): news is News => news !== null,
    );
  });
}

/** Counts of calls scatter by their square root. */
function rateNews(now: ServiceFigures, then: ServiceFigures, words: Words): News | null {
  if (now.calls + then.calls < CALLS_MIN) return null;
  const sigma = Math.abs(now.calls - then.calls) / Math.sqrt(now.calls + then.calls);
  const ratio = (Math.max(now.calls, then.calls) + 1) / (Math.min(now.calls, then.calls) + 1);
  // Traffic has its days; only a half more or less is news.
  if (sigma < SIGMA_MIN || ratio < LATENCY_RATIO) return null;
  const way = now.calls > then.calls ? "rose" : "fell";
  return {
    kind: "rate",
    service: now.name,
    text: `calls ${way} from ${words.rate(then.rate_per_s)} to ${words.rate(now.rate_per_s)}`,
    score: Math.log2(ratio) * 2,
  };
}

/** Two proportions, tested against each other. */
function errorNews(now: ServiceFigures, then: ServiceFigures, words: Words): News | null {
  if (now.calls < CALLS_MIN || then.calls < CALLS_MIN) return null;
  const pooled = (now.errors + then.errors) / (now.calls + then.calls);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / now.calls + 1 / then.calls));
  if (deviation === 0) return null;
  const sigma = (now.error_ratio - then.error_ratio) / deviation;
  if (Math.abs(sigma) < SIGMA_MIN) return null;
  const way = sigma > 0 ? "rose" : "fell";
  return {
    kind: "errors",
    service: now.name,
    text: `errors ${way} from ${words.percent(then.error_ratio)} to ${words.percent(now.error_ratio)}`,
    score: sigma > 0 ? 4 + Math.min(6, sigma / 3) : 1,
  };
}

function latencyNews(now: ServiceFigures, then: ServiceFigures, words: Words): News | null {
  if (now.calls < CALLS_MIN || then.calls < CALLS_MIN) return null;
  const [high, low] = [Math.max(now.p95_nanos, then.p95_nanos), Math.min(now.p95_nanos, then.p95_nanos)];
  if (high < LATENCY_MIN_NANOS || high < low * LATENCY_RATIO) return null;
  const slower = now.p95_nanos > then.p95_nanos;
  return {
    kind: "latency",
    service: now.name,
    text: `p95 ${slower ? "rose" : "fell"} from ${words.duration(then.p95_nanos)} to ${words.duration(now.p95_nanos)}`,
    score: slower ? 3 + Math.log2(high / Math.max(1, low)) : 1,
  };
}

/** Groups that were first seen inside the range; not when the whole history is younger than the range. */
export function newErrors(groups: readonly ErrorGroup[], range: Range, limit: number): News[] {
  const fresh = groups.filter((group) => group.first_seen_unix_milli >= range.fromMilli);
  if (fresh.length === groups.length && groups.length > limit) return [];
  return fresh
    .sort((a, b) => b.count - a.count)
    .slice(0, limit)
    .map((group) => ({
      kind: "error" as const,
      service: group.service,
      text: `new error ${group.exception_type || group.message}: ${group.message}`,
      score: 3 + Math.log10(1 + group.count),
      id: group.id,
    }));
}

export function ranked(news: readonly News[], limit: number): News[] {
  return [...news].sort((a, b) => b.score - a.score || a.service.localeCompare(b.service)).slice(0, limit);
}
