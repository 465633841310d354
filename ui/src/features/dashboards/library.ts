// Where dashboards come from: the server's documents; on a server that keeps none, those shipped with the UI.
import { ApiError } from "../../api/client.ts";
import {
  type DashboardDocument,
  type DashboardSummary,
  fetchDashboard,
  fetchDashboards,
} from "../../api/dashboards.ts";
import { readDocument } from "./read.ts";

const SHIPPED = import.meta.glob<string>("./shipped/*.json", { query: "?raw", import: "default" });

const uidOf = (path: string) => path.replace(/^.*\/|\.json$/g, "");

export interface Library {
  dashboards: DashboardSummary[];
  /** False when the server keeps no documents, so that nothing can be saved. */
  writable: boolean;
}

export async function loadLibrary(signal: AbortSignal): Promise<Library> {
  try {
    return { dashboards: await fetchDashboards(signal), writable: true };
  } catch (error) {
    if (!isMissing(error)) throw error;
    const documents = await Promise.all(Object.keys(SHIPPED).map((path) => loadShipped(uidOf(path))));
    return { dashboards: documents.filter((each) => each !== null), writable: false };
  }
}

export async function loadDashboard(uid: string, signal: AbortSignal): Promise<DashboardDocument> {
  try {
    return await fetchDashboard(uid, signal);
  } catch (error) {
    const shipped = isMissing(error) ? await loadShipped(uid) : null;
    if (!shipped) throw error;
    return shipped;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.facts.status === 404;
}

async function loadShipped(uid: string): Promise<DashboardDocument | null> {
  const load = SHIPPED[`./shipped/${uid}.json`];
  if (!load) return null;
  const document = await load();
  const { dashboard } = readDocument(document);
  return {
    uid,
    title: dashboard.title,
    tags: dashboard.tags,
    folder: "",
    panels: dashboard.panels.length,
    source: "shipped",
    read_only: true,
    version: 1,
    updated_unix_milli: 0,
    updated_by: "",
    starred: false,
    problem: null,
    document,
    message: "",
  };
}
