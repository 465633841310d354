// /api/ui/v1/views, links and history: addresses of this instance under names and codes.
import { request, sendJson } from "./client.ts";
import { blank, bool, list, object, text, withDefault, zero } from "./decode.ts";

export interface SavedView {
  id: string;
  name: string;
  /** Begins with a slash. */
  url: string;
  starred: boolean;
  created_unix_milli: number;
  created_by: string;
}

const savedView = object<SavedView>({
  id: text,
  name: text,
  url: text,
  starred: withDefault(bool, false),
  created_unix_milli: zero,
  created_by: blank,
});

const viewList = object<{ views: SavedView[] }>({ views: list(savedView) });

export async function fetchViews(signal?: AbortSignal): Promise<SavedView[]> {
  return (await request({ path: "api/ui/v1/views", decode: viewList, ...(signal ? { signal } : {}) })).value.views;
}

export function saveView(name: string, url: string): Promise<SavedView> {
  return sendJson({ method: "POST", path: "api/ui/v1/views", body: { name, url, starred: false }, decode: savedView });
}

export function changeView(
  id: string,
  change: Partial<Pick<SavedView, "name" | "starred" | "url">>,
): Promise<SavedView> {
  const path = `api/ui/v1/views/${encodeURIComponent(id)}`;
  return sendJson({ method: "PUT", path, body: change, decode: savedView });
}

export function deleteView(id: string): Promise<void> {
  return sendJson({ method: "DELETE", path: `api/ui/v1/views/${encodeURIComponent(id)}`, decode: () => undefined });
}

const code = object<{ code: string }>({ code: text });

/** A short code for an address of this instance; the same address always has the same code. */
export async function shortLink(url: string): Promise<string> {
  return (await sendJson({ method: "POST", path: "api/ui/v1/links", body: { url }, decode: code })).code;
}

const link = object<{ url: string }>({ url: text });

export async function fetchLink(short: string, signal?: AbortSignal): Promise<string> {
  const path = `api/ui/v1/links/${encodeURIComponent(short)}`;
  return (await request({ path, decode: link, ...(signal ? { signal } : {}) })).value.url;
}

export interface HistoryEntry {
  id: string;
  page: string;
  query: string;
  url: string;
  at_unix_milli: number;
  elapsed_ms: number;
  rows: number;
  starred: boolean;
}

const history = object<{ entries: HistoryEntry[] }>({
  entries: list(
    object<HistoryEntry>({
      id: text,
      page: blank,
      query: blank,
      url: blank,
      at_unix_milli: zero,
      elapsed_ms: zero,
      rows: zero,
      starred: withDefault(bool, false),
    }),
  ),
});

export async function fetchHistory(page: string, q: string, signal: AbortSignal): Promise<HistoryEntry[]> {
  const params = { page, q, limit: 100 };
  return (await request({ path: "api/ui/v1/history", params, decode: history, signal })).value.entries;
}

export type HistoryNote = Pick<HistoryEntry, "page" | "query" | "url" | "elapsed_ms" | "rows">;

export function noteHistory(entry: HistoryNote): Promise<void> {
  return sendJson({ method: "POST", path: "api/ui/v1/history", body: entry, decode: () => undefined });
}

export function starHistory(id: string, starred: boolean): Promise<void> {
  const path = `api/ui/v1/history/${encodeURIComponent(id)}`;
  return sendJson({ method: "PUT", path, body: { starred }, decode: () => undefined });
}
