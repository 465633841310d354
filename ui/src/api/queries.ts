// GET and DELETE /api/v1/queries: what runs on the server, what was slow, and a way to stop it.
import { request, sendJson } from "./client.ts";
import { bool, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

export interface RunningQuery {
  id: number;
  /** Method and path of the request. */
  request: string;
  /** What was asked; empty when the request does not say. */
  query: string;
  started_unix_milli: number;
  elapsed_ms: number;
  /** Null while it waits for a slot. */
  queued_ms: number | null;
  cancelled: boolean;
}

export interface Queries {
  running: RunningQuery[];
  slowest: RunningQuery[];
  slots: number;
  timeout_ms: number;
  finished: number;
  cancelled: number;
}

const query = object<RunningQuery>({
  id: number,
  request: withDefault(text, ""),
  query: withDefault(text, ""),
  started_unix_milli: zero,
  elapsed_ms: zero,
  queued_ms: nullable(number),
  cancelled: withDefault(bool, false),
});

const queries = object<Queries>({
  running: list(query),
  slowest: list(query),
  slots: zero,
  timeout_ms: zero,
  finished: zero,
  cancelled: zero,
});

export async function fetchQueries(signal: AbortSignal): Promise<Queries> {
  return (await request({ path: "api/v1/queries", decode: queries, signal })).value;
}

export function cancelQuery(id: number): Promise<void> {
  return sendJson({ method: "DELETE", path: `api/v1/queries/${id}`, decode: () => undefined });
}
