// Takes a file that was looked at, and says where its content is now.
import { saveConfig } from "../../../api/channels.ts";
import { createDashboard } from "../../../api/dashboards.ts";
import { importObjectives } from "../../../api/import.ts";
import { importRules } from "../../../api/rules.ts";
import { plural } from "../../../lib/number.ts";
import type { FileKind } from "./detect.ts";

export interface Taken {
  words: string;
  /** The page that shows it. */
  url: string;
}

export async function takeFile(kind: FileKind, text: string): Promise<Taken> {
  switch (kind) {
    case "rules": {
      const { rules } = await importRules(text);
      return { words: `${plural(rules, "rule")} are evaluated now`, url: "/alerts/rules" };
    }
    case "alertmanager":
      await saveConfig(text);
      return { words: "Alerts are routed by it now", url: "/alerts/routing" };
    case "slos":
      await importObjectives(text);
      return { words: "The objectives are kept", url: "/slos" };
    case "dashboard": {
      const { uid } = await createDashboard({ document: text, message: "imported" });
      return { words: "The dashboard is kept", url: `/dashboards/${uid}` };
    }
    case "collector":
      throw new Error("start the server with it: bellrock serve --config FILE");
  }
}
