// Everything that people made as one file: dashboards, saved views, rules, objectives, routing. What a file would change
// is said before it is taken.

import { fetchConfig, saveConfig } from "../../api/channels.ts";
import { createDashboard, fetchDashboard, fetchDashboards, saveDashboard } from "../../api/dashboards.ts";
import { isObject } from "../../api/decode.ts";
import { exportRules, importRules } from "../../api/rules.ts";
import { importSlos, exportUrl as slosUrl } from "../../api/slos.ts";
import { fetchViews, saveView } from "../../api/views.ts";

export interface Bundle {
  bellrock_export: 1;
  dashboards: { uid: string; folder: string; title: string; document: string }[];
  views: { name: string; url: string }[];
  /** Files in their own formats; empty when there is none. */
  rules: string;
  slos: string;
  alertmanager: string;
}

export async function makeBundle(signal: AbortSignal): Promise<Bundle> {
  const [list, views, rules, config, slos] = await Promise.all([
    fetchDashboards(signal),
    fetchViews(signal),
    exportRules("bellrock", signal).catch(() => ""),
    fetchConfig(signal).catch(() => null),
    fetch(slosUrl(), { signal }).then((response) => (response.ok ? response.text() : "")),
  ]);
  // What is shipped or lies in files of the server comes back by itself.
  const own = list.filter(({ source }) => source === "user");
  const documents = await Promise.all(own.map(({ uid }) => fetchDashboard(uid, signal)));
  return {
    bellrock_export: 1,
    dashboards: documents.map(({ uid, folder, title, document }) => ({ uid, folder, title, document })),
    views: views.map(({ name, url }) => ({ name, url })),
    rules,
    slos,
    alertmanager: config !== null && config.origin !== "default" ? config.normalised : "",
  };
}

export class BundleError extends Error {}

export function readBundle(text: string): Bundle {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BundleError(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(json) || json.bellrock_export !== 1) {
    throw new BundleError("it is no export of Bellrock: `bellrock_export: 1` is missing; Import takes single files");
  }
  const objects = (value: unknown) => (Array.isArray(value) ? value.filter(isObject) : []);
  const text_ = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    bellrock_export: 1,
    dashboards: objects(json.dashboards).map((each) => ({
      uid: text_(each.uid),
      folder: text_(each.folder),
      title: text_(each.title),
      document: text_(each.document),
    })),
    views: objects(json.views).map((each) => ({ name: text_(each.name), url: text_(each.url) })),
    rules: text_(json.rules),
    slos: text_(json.slos),
    alertmanager: text_(json.alertmanager),
  };
}

export interface Change {
  id: string;
  what: string;
  kind: "new" | "changed" | "same";
  apply: () => Promise<unknown>;
}

/** What a bundle would change of what is there. */
export function changesOf(next: Bundle, now: Bundle, versions: ReadonlyMap<string, number>): Change[] {
  const kindOf = (before: string | undefined, after: string): Change["kind"] =>
    before === undefined || before === "" ? "new" : before === after ? "same" : "changed";
  const dashboards = next.dashboards.map((each): Change => {
    const before = now.dashboards.find(({ uid }) => uid === each.uid);
    const version = versions.get(each.uid);
    return {
      id: `dashboard ${each.uid}`,
      what: `dashboard ${each.title}`,
      kind: kindOf(before?.document, each.document),
      apply: () =>
        version === undefined
          ? createDashboard({ document: each.document, folder: each.folder, message: "imported" })
          : saveDashboard(each.uid, { document: each.document, version, message: "imported" }),
    };
  });
  const views = next.views.map(
    (each): Change => ({
      id: `view ${each.name}`,
      what: `saved view ${each.name}`,
      kind: kindOf(now.views.find(({ name }) => name === each.name)?.url, each.url),
      apply: () => saveView(each.name, each.url),
    }),
  );
  const files = (
    [
      ["rules", "rules", importRules],
      ["slos", "objectives", importSlos],
      ["alertmanager", "routing and channels", saveConfig],
    ] as const
  )
    .filter(([key]) => next[key].trim() !== "" && !/^(groups|slos): (\[\]|\{\})$/.test(next[key].trim()))
    .map(
      ([key, what, take]): Change => ({
        id: key,
        what,
        kind: kindOf(now[key], next[key]),
        apply: () => take(next[key]),
      }),
    );
  return [...dashboards, ...views, ...files];
}
