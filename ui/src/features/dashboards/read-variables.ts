// Variables of a dashboard, as Grafana writes them below `templating`.
import { isObject } from "../../api/decode.ts";
import type { Finding, Variable, VariableKind } from "./model.ts";

const KINDS: Readonly<Record<string, VariableKind>> = {
  query: "query",
  custom: "custom",
  interval: "interval",
  textbox: "textbox",
  constant: "constant",
};

/** How Grafana writes "all values" in `current`. */
const ALL = "$__all";

export function readVariables(raw: unknown): { variables: Variable[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const list = isObject(raw) && Array.isArray(raw.list) ? raw.list : [];
  const variables = list.filter(isObject).flatMap((each): Variable[] => {
    const name = String(each.name ?? "");
    const kind = KINDS[String(each.type ?? "")];
    // There is one source of data here: a choice between sources has nothing to choose.
    if (each.type === "datasource" || name === "") return [];
    if (!kind) {
      findings.push({
        panel: null,
        what: `the variable \`${name}\` of type \`${String(each.type)}\` is not supported`,
      });
      return [];
    }
    const definition = isObject(each.query)
      ? String(each.query.query ?? "")
      : String(each.query ?? each.definition ?? "");
    const current = isObject(each.current) ? each.current.value : undefined;
    return [
      {
        name,
        label: typeof each.label === "string" && each.label !== "" ? each.label : name,
        kind,
        query: definition,
        options: kind === "custom" || kind === "interval" ? splitOptions(definition) : [],
        current: (Array.isArray(current) ? current : current === undefined ? [] : [current])
          .map(String)
          .filter((value) => value !== "" && value !== ALL && value !== "All"),
        multi: each.multi === true,
        includeAll: each.includeAll === true,
        allValue: typeof each.allValue === "string" && each.allValue !== "" ? each.allValue : null,
        hidden: each.hide === 2 || kind === "constant",
        regex: typeof each.regex === "string" ? each.regex : "",
      },
    ];
  });
  return { variables, findings };
}

/** `a, b, c` and `Text : value` of custom variables; a comma is escaped with a backslash. */
export function splitOptions(text: string): string[] {
  return text
    .split(/(?<!\\),/)
    .map((part) => part.replaceAll("\\,", ",").trim())
    .map((part) => (/ : /.exec(part) ? (part.split(" : ")[1] ?? part).trim() : part))
    .filter((part) => part !== "");
}

export type OptionsQuery =
  | { kind: "values"; label: string; match: string | null }
  | { kind: "labels"; match: string | null }
  | { kind: "metrics"; regex: string }
  | { kind: "result"; expr: string };

/** `label_values(..)`, `label_names(..)`, `metrics(..)` and `query_result(..)`; what is none of them gives null. */
export function parseOptionsQuery(query: string): OptionsQuery | null {
  const call = /^\s*(label_values|label_names|metrics|query_result)\s*\(([\s\S]*)\)\s*$/.exec(query);
  if (!call) return null;
  const [, name, inside = ""] = call;
  const argument = inside.trim();
  if (name === "label_names") return { kind: "labels", match: argument || null };
  if (name === "metrics") return { kind: "metrics", regex: argument };
  if (name === "query_result") return argument ? { kind: "result", expr: argument } : null;
  const comma = argument.lastIndexOf(",");
  const label = (comma < 0 ? argument : argument.slice(comma + 1)).trim();
  if (!/^[a-zA-Z_][\w.]*$/.test(label)) return null;
  return { kind: "values", label, match: comma < 0 ? null : argument.slice(0, comma).trim() };
}
