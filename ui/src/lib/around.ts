// When a trace is thought to have been, as `around` in the URL of its page and in requests for it. The server leaves
// nothing out: it reads what lies near that time first, which is what stays when a limit of the query is hit.
import type { Search } from "./search.ts";

/** The part of a URL that says when the trace was; nothing when that is not known. */
export function aroundSearch(unixMilli: number): Search {
  return Number.isFinite(unixMilli) && unixMilli > 0 ? { around: String(Math.floor(unixMilli)) } : {};
}

/** The time that a URL names, in Unix milliseconds; a URL that somebody mistyped names none. */
export function aroundIn(search: Search): number | undefined {
  return /^\d{1,15}$/.test(search.around ?? "") ? Number(search.around) || undefined : undefined;
}
