// What can be shown in a panel over a page: its words, the page it is a part of, and where its body comes from.
import type { ComponentType } from "react";

export interface Peek {
  title: string;
  nameOf: (id: string) => string;
  /** The address of the full page, when there is one. */
  page?: (id: string) => string;
  load: () => Promise<{ default: ComponentType<{ id: string }> }>;
}

const afterColon = (id: string) => id.slice(id.indexOf(":") + 1);

export const PEEKS: Readonly<Record<string, Peek>> = {
  svc: {
    title: "Service",
    nameOf: (id) => id,
    page: (id) => `/services/${encodeURIComponent(id)}`,
    load: async () => ({ default: (await import("../features/services/ServicePeek.tsx")).ServicePeek }),
  },
  err: {
    title: "Error",
    nameOf: (id) => id.slice(0, 8),
    page: (id) => `/errors/${encodeURIComponent(id)}`,
    load: async () => ({ default: (await import("../features/errors/ErrorPeek.tsx")).ErrorPeek }),
  },
  alert: {
    title: "Alert",
    nameOf: (id) => id.slice(0, 8),
    page: (id) => `/alerts/instances/${encodeURIComponent(id)}`,
    load: async () => ({ default: (await import("../features/alerts/AlertPeek.tsx")).AlertPeek }),
  },
  rule: {
    title: "Rule",
    nameOf: (id) => id.slice(id.lastIndexOf("/") + 1),
    page: (id) => `/alerts/rules/${encodeURIComponent(id)}`,
    load: async () => ({ default: (await import("../features/alerts/RulePeek.tsx")).RulePeek }),
  },
  edge: {
    title: "Calls",
    nameOf: (id) => id.split(" > ").map(afterColon).join(" to "),
    load: async () => ({ default: (await import("../features/map/EdgePeek.tsx")).EdgePeek }),
  },
  peer: {
    title: "Called",
    nameOf: afterColon,
    load: async () => ({ default: (await import("../features/map/PeerPeek.tsx")).PeerPeek }),
  },
};
