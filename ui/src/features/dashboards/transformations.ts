// Transformations of Grafana that are understood, read from the document; others are reported by name.
import { isObject } from "../../api/decode.ts";

export type Reducer = "last" | "first" | "min" | "max" | "mean" | "sum" | "count" | "range" | "diff";

export type Transformation =
  | { kind: "organize"; hidden: Set<string>; order: Map<string, number>; names: Map<string, string> }
  | { kind: "rename"; regex: RegExp; by: string }
  | { kind: "keep"; names: Set<string> | null; regex: RegExp | null; except: boolean }
  | { kind: "keepQueries"; regex: RegExp }
  | { kind: "calculate"; alias: string; how: Calculation; alone: boolean }
  | { kind: "reduce"; reducers: Reducer[]; labels: boolean }
  | { kind: "merge" }
  | { kind: "sort"; field: string; descending: boolean }
  | { kind: "limit"; count: number };

export type Calculation =
  | { by: "operator"; left: string; operator: string; right: string }
  | { by: "reducer"; reducer: Reducer; names: Set<string> | null };

type Json = Record<string, unknown>;

const REDUCERS: Readonly<Record<string, Reducer>> = {
  last: "last",
  lastNotNull: "last",
  first: "first",
  firstNotNull: "first",
  min: "min",
  max: "max",
  mean: "mean",
  avg: "mean",
  sum: "sum",
  total: "sum",
  count: "count",
  range: "range",
  diff: "diff",
};

export function readTransformations(raw: unknown, note: (what: string) => void): Transformation[] {
  if (!Array.isArray(raw)) return [];
  return raw.filter(isObject).flatMap((each): Transformation[] => {
    if (each.disabled === true) return [];
    const id = String(each.id ?? "");
    const found = readOne(id, isObject(each.options) ? each.options : {});
    if (!found) note(`the transformation \`${id}\` is not applied`);
    return found ? [found] : [];
  });
}

function readOne(id: string, options: Json): Transformation | null {
  switch (id) {
    case "organize":
      return {
        kind: "organize",
        hidden: new Set(entries(options.excludeByName).flatMap(([name, on]) => (on === true ? [name] : []))),
        order: new Map(entries(options.indexByName).map(([name, at]) => [name, Number(at)])),
        names: new Map(
          entries(options.renameByName).flatMap(([name, to]): [string, string][] =>
            typeof to === "string" && to !== "" ? [[name, to]] : [],
          ),
        ),
      };
    case "renameByRegex": {
      const regex = regexOf(options.regex);
      return regex && { kind: "rename", regex, by: String(options.renamePattern ?? "") };
    }
    case "filterFieldsByName": {
      const side = isObject(options.include) ? options.include : isObject(options.exclude) ? options.exclude : {};
      const names = Array.isArray(side.names) && side.names.length > 0 ? new Set(side.names.map(String)) : null;
      const regex = regexOf(side.pattern);
      return names || regex ? { kind: "keep", names, regex, except: !isObject(options.include) } : null;
    }
    case "filterByRefId": {
      const regex = regexOf(options.include);
      return regex && { kind: "keepQueries", regex };
    }
    case "calculateField":
      return readCalculation(options);
    case "reduce": {
      const reducers = (Array.isArray(options.reducers) ? options.reducers : ["max"]).flatMap(
        (name) => REDUCERS[String(name)] ?? [],
      );
      return { kind: "reduce", reducers, labels: options.labelsToFields === true };
    }
    case "merge":
    case "joinByField":
    case "joinByLabels":
    case "seriesToColumns":
    case "labelsToFields":
    case "timeSeriesTable":
      return id === "timeSeriesTable" ? null : { kind: "merge" };
    case "sortBy": {
      const first = Array.isArray(options.sort) && isObject(options.sort[0]) ? options.sort[0] : {};
      return { kind: "sort", field: String(first.field ?? ""), descending: first.desc === true };
    }
    case "limit":
      return { kind: "limit", count: Number(options.limitField ?? 10) };
    default:
      return null;
  }
}

function readCalculation(options: Json): Transformation | null {
  const alone = options.replaceFields === true;
  if (options.mode === "binary") {
    const binary = isObject(options.binary) ? options.binary : {};
    const side = (value: unknown) =>
      isObject(value) && isObject(value.matcher) ? String(value.matcher.options ?? "") : String(value ?? "");
    const [left, operator, right] = [side(binary.left), String(binary.operator ?? "+"), side(binary.right)];
    if (!"+-*/".includes(operator)) return null;
    const alias = String(options.alias ?? "") || `${left} ${operator} ${right}`;
    return { kind: "calculate", alias, how: { by: "operator", left, operator, right }, alone };
  }
  if (options.mode !== undefined && options.mode !== "reduceRow") return null;
  const reduce = isObject(options.reduce) ? options.reduce : {};
  const reducer = REDUCERS[String(reduce.reducer ?? "sum")];
  if (!reducer) return null;
  const names = Array.isArray(reduce.include) && reduce.include.length > 0 ? new Set(reduce.include.map(String)) : null;
  const alias = String(options.alias ?? "") || (reducer === "sum" ? "Total" : reducer);
  return { kind: "calculate", alias, how: { by: "reducer", reducer, names }, alone };
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

/** `/a|b/` or `a|b`; null for what this browser does not understand. */
function regexOf(value: unknown): RegExp | null {
  if (typeof value !== "string" || value === "") return null;
  try {
    return new RegExp(/^\/(.*)\/[a-z]*$/.exec(value)?.[1] ?? value);
  } catch {
    return null;
  }
}

export function reduceBy(reducer: Reducer, values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const [first, last] = [known[0], known.at(-1)];
  if (reducer === "count") return known.length;
  if (first === undefined || last === undefined) return null;
  switch (reducer) {
    case "first":
      return first;
    case "last":
      return last;
    case "min":
      return Math.min(...known);
    case "max":
      return Math.max(...known);
    case "sum":
      return known.reduce((sum, value) => sum + value, 0);
    case "mean":
      return known.reduce((sum, value) => sum + value, 0) / known.length;
    case "range":
      return Math.max(...known) - Math.min(...known);
    case "diff":
      return last - first;
  }
}

export function calculate(operator: string, a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null;
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    default:
      return a / b;
  }
}
