// The pages whose queries are remembered.

const PAGES: Record<string, string> = {
  "/logs": "logs",
  "/traces": "traces",
  "/metrics": "metrics",
  "/explain": "explain",
};

/** The page of the query history that a path belongs to. */
export function pageOf(pathname: string): string | null {
  return PAGES[`/${pathname.replace(/^\/|\/$/g, "")}`] ?? null;
}
