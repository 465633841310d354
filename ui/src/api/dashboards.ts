// /api/ui/v1/dashboards: documents as text, exactly as they came, with their versions.
import { ApiError, apiUrl, request, sendJson } from "./client.ts";
import { blank, bool, isObject, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

export interface DashboardSummary {
  uid: string;
  title: string;
  tags: string[];
  folder: string;
  panels: number;
  /** "user", "file" or "shipped". */
  source: string;
  read_only: boolean;
  version: number;
  updated_unix_milli: number;
  updated_by: string;
  starred: boolean;
  /** Why a file cannot be shown. */
  problem: string | null;
}

export interface DashboardDocument extends DashboardSummary {
  document: string;
  message: string;
}

export interface DashboardVersion {
  version: number;
  updated_unix_milli: number;
  updated_by: string;
  message: string;
  bytes: number;
}

const no = withDefault(bool, false);

const summaryFields = {
  uid: text,
  title: blank,
  tags: withDefault(list(text), []),
  folder: blank,
  panels: zero,
  source: withDefault(text, "user"),
  read_only: no,
  version: zero,
  updated_unix_milli: zero,
  updated_by: blank,
  starred: no,
  problem: nullable(text),
};

const summaries = object<{ dashboards: DashboardSummary[] }>({
  dashboards: list(object<DashboardSummary>(summaryFields)),
});
const dashboard = object<DashboardDocument>({ ...summaryFields, document: text, message: blank });
const saved = object<{ uid: string; version: number }>({ uid: text, version: number });
const versions = object<{ versions: DashboardVersion[] }>({
  versions: list(
    object<DashboardVersion>({
      version: number,
      updated_unix_milli: zero,
      updated_by: blank,
      message: blank,
      bytes: zero,
    }),
  ),
});

const BASE = "api/ui/v1/dashboards";
const pathOf = (uid: string) => `${BASE}/${encodeURIComponent(uid)}`;

export async function fetchDashboards(signal: AbortSignal): Promise<DashboardSummary[]> {
  return (await request({ path: BASE, decode: summaries, signal })).value.dashboards;
}

export async function fetchDashboard(uid: string, signal: AbortSignal): Promise<DashboardDocument> {
  return (await request({ path: pathOf(uid), decode: dashboard, signal })).value;
}

export function createDashboard(body: { document: string; folder?: string; message?: string }) {
  return sendJson({ method: "POST", path: BASE, body, decode: saved });
}

export function saveDashboard(uid: string, body: { document: string; version: number; message: string }) {
  return sendJson({ method: "PUT", path: pathOf(uid), body, decode: saved });
}

/** The document that is stored now, when saving met another edit. */
export function conflicting(error: unknown): DashboardDocument | null {
  if (!(error instanceof ApiError) || error.kind !== "conflict" || !isObject(error.facts.body)) return null;
  return dashboard(error.facts.body.current);
}

export function starDashboard(uid: string, starred: boolean): Promise<void> {
  return sendJson({ method: "PUT", path: `${pathOf(uid)}/star`, body: { starred }, decode: () => undefined });
}

export function deleteDashboard(uid: string, version: number): Promise<void> {
  return sendJson({ method: "DELETE", path: pathOf(uid), params: { version }, decode: () => undefined });
}

export async function fetchVersions(uid: string, signal: AbortSignal): Promise<DashboardVersion[]> {
  return (await request({ path: `${pathOf(uid)}/versions`, decode: versions, signal })).value.versions;
}

export async function fetchVersion(uid: string, version: number, signal: AbortSignal): Promise<DashboardDocument> {
  return (await request({ path: `${pathOf(uid)}/versions/${version}`, decode: dashboard, signal })).value;
}

export function restoreVersion(uid: string, version: number) {
  return sendJson({ method: "POST", path: `${pathOf(uid)}/restore`, body: { version }, decode: saved });
}

/** Where the stored bytes can be downloaded. */
export function exportUrl(uid: string): string {
  return apiUrl(`${pathOf(uid)}/export`);
}
