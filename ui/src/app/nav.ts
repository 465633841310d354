// The pages that can be reached from the rail, the palette and `g` chords.
import {
  BellRing,
  Bug,
  FileText,
  GitFork,
  House,
  LayoutDashboard,
  LineChart,
  type LucideIcon,
  Network,
  PlugZap,
  Server,
  Settings,
  Split,
  Target,
} from "lucide-react";

export interface NavItem {
  to:
    | "/home"
    | "/alerts"
    | "/slos"
    | "/dashboards"
    | "/services"
    | "/map"
    | "/errors"
    | "/traces"
    | "/logs"
    | "/metrics"
    | "/explain"
    | "/start"
    | "/settings";
  title: string;
  /** Second key of the `g` chord. */
  key: string;
  icon: LucideIcon;
  group: "top" | "watch" | "understand" | "explore" | "bottom";
}

export const NAV: readonly NavItem[] = [
  { to: "/home", title: "Home", key: "h", icon: House, group: "top" },
  { to: "/alerts", title: "Alerts", key: "a", icon: BellRing, group: "watch" },
  { to: "/slos", title: "SLOs", key: "o", icon: Target, group: "watch" },
  { to: "/dashboards", title: "Dashboards", key: "d", icon: LayoutDashboard, group: "watch" },
  { to: "/services", title: "Services", key: "s", icon: Server, group: "understand" },
  { to: "/map", title: "Map", key: "p", icon: Network, group: "understand" },
  { to: "/errors", title: "Errors", key: "e", icon: Bug, group: "understand" },
  { to: "/traces", title: "Traces", key: "t", icon: GitFork, group: "explore" },
  { to: "/logs", title: "Logs", key: "l", icon: FileText, group: "explore" },
  { to: "/metrics", title: "Metrics", key: "m", icon: LineChart, group: "explore" },
  { to: "/explain", title: "Explain", key: "x", icon: Split, group: "explore" },
  { to: "/start", title: "Add data", key: "n", icon: PlugZap, group: "bottom" },
  { to: "/settings", title: "Settings", key: ",", icon: Settings, group: "bottom" },
];
