// GET /api/ui/v1/search: things of this instance by name, for the palette.
import { request } from "./client.ts";
import { blank, list, object, text } from "./decode.ts";

export interface FoundThing {
  /** "dashboard", "panel", "view", "metric", "service", "rule", "slo" or "history". */
  kind: string;
  title: string;
  detail: string;
  /** Begins with a slash. */
  url: string;
}

const found = object<{ results: FoundThing[] }>({
  results: list(object<FoundThing>({ kind: text, title: text, detail: blank, url: text })),
});

export async function searchThings(q: string, signal: AbortSignal): Promise<FoundThing[]> {
  return (await request({ path: "api/ui/v1/search", params: { q, limit: 20 }, decode: found, signal })).value.results;
}
