// What a dashboard is to the viewer, whatever dialect its document is written in.
import type { Transformation } from "./transformations.ts";

/** Columns of the grid; a full row. */
export const COLUMNS = 24;

export interface Grid {
  x: number;
  y: number;
  w: number;
  h: number;
}

export type PanelKind =
  | "timeseries"
  | "stat"
  | "gauge"
  | "bargauge"
  | "table"
  | "heatmap"
  | "text"
  | "row"
  | "unsupported";

export interface Target {
  refId: string;
  expr: string;
  legend: string;
  instant: boolean;
  hidden: boolean;
}

export interface Threshold {
  /** Null for the base, which has no lower end. */
  value: number | null;
  /** "ok", "warn", "error" or a CSS colour. */
  colour: string;
}

/** What an override changes of a series or a column. */
export interface Look {
  name?: string;
  unit?: string;
  decimals?: number;
  /** As CSS has it. */
  colour?: string;
  thresholds?: Threshold[];
  hidden?: boolean;
  /** On an axis of its own, at the right. */
  right?: boolean;
}

export interface Override {
  match: { by: "name" | "regex" | "query" | "all"; text: string };
  look: Look;
}

export interface Panel {
  /** Stays the same as long as title and place in the document do. */
  id: string;
  title: string;
  description: string;
  kind: PanelKind;
  grid: Grid;
  targets: Target[];
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  thresholds: Threshold[];
  stacked: boolean;
  /** Which value of a series a stat shows: "last", "mean", "min", "max", "sum". */
  reduce: string;
  overrides: Override[];
  transformations: Transformation[];
  /** The variable for whose values the panel is repeated. */
  repeat: string | null;
  repeatDown: boolean;
  repeatPerRow: number | null;
  /** Values of variables that hold for this copy only. */
  scope: Readonly<Record<string, string>>;
  text: string;
  collapsed: boolean;
  /** Where the panel stands in the document. */
  path: (string | number)[];
  /** Name of the panel's type in the document. */
  type: string;
}

export type VariableKind = "query" | "custom" | "interval" | "textbox" | "constant";

export interface Variable {
  name: string;
  label: string;
  kind: VariableKind;
  /** `label_values(metric, label)` for queries, a comma-separated list for the others. */
  query: string;
  options: string[];
  current: string[];
  multi: boolean;
  includeAll: boolean;
  allValue: string | null;
  hidden: boolean;
  regex: string;
}

export interface Dashboard {
  title: string;
  description: string;
  tags: string[];
  dialect: "design" | "grafana";
  from: string | null;
  to: string | null;
  variables: Variable[];
  panels: Panel[];
}

/** Something of the document that is not shown, or shown otherwise. */
export interface Finding {
  panel: string | null;
  what: string;
}

export interface ReadResult {
  dashboard: Dashboard;
  findings: Finding[];
}
