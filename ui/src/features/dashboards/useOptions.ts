// The values that a variable can have, asked from the server when they are needed.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchValues } from "../../api/batch.ts";
import { fetchLabelNames, queryInstant } from "../../api/prometheus.ts";
import { useKeptQueries } from "../../lib/kept-queries.ts";
import type { Range } from "../../lib/time/range.ts";
import { interpolate, type Values } from "./interpolate.ts";
import type { Panel, Variable } from "./model.ts";
import { parseOptionsQuery } from "./read-variables.ts";
import { ALL, applyRegex } from "./variables.ts";

function optionsQuery(variable: Variable, values: Values, range: Range, enabled: boolean) {
  const query = interpolate(variable.query, values);
  return {
    queryKey: ["variable", variable.name, variable.kind, query, range],
    enabled,
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      if (variable.kind !== "query") return variable.options;
      return applyRegex(await optionsOf(query, range, signal), variable.regex);
    },
  };
}

async function optionsOf(query: string, range: Range, signal: AbortSignal): Promise<string[]> {
  const wanted = parseOptionsQuery(query);
  switch (wanted?.kind) {
    case "values":
      return fetchValues(wanted.label, wanted.match, range, signal);
    case "labels":
      return fetchLabelNames(wanted.match ?? undefined, range, signal);
    case "metrics":
      return (await fetchValues("__name__", null, range, signal)).filter((name) => matches(name, wanted.regex));
    case "result": {
      const { value } = await queryInstant(wanted.expr, range.toMilli, signal);
      // As Grafana writes them, for the variable's regex to take what it wants.
      return value.series.map(({ labels, values, times }) => {
        const { __name__: name = "", ...rest } = labels;
        const pairs = Object.entries(rest).map(([key, text]) => `${key}="${text}"`);
        return `${name}{${pairs.join(",")}} ${values.at(-1) ?? "NaN"} ${Math.round((times.at(-1) ?? 0) * 1000)}`;
      });
    }
    default:
      throw new Error(`this is not understood as a list of values: ${query}`);
  }
}

function matches(name: string, regex: string): boolean {
  try {
    return new RegExp(regex).test(name);
  } catch {
    return false;
  }
}

export function useOptions(variable: Variable, values: Values, range: Range, open: boolean) {
  return useQuery(optionsQuery(variable, values, range, open));
}

/** What the variables stand for by which panels are repeated: the chosen values, or all there are. */
export function useRepeats(
  panels: readonly Panel[],
  variables: readonly Variable[],
  chosen: ReadonlyMap<string, readonly string[]>,
  values: Values,
  range: Range,
): ReadonlyMap<string, readonly string[]> {
  const used = variables.filter((variable) => panels.some((panel) => panel.repeat === variable.name));
  const all = (variable: Variable) => (chosen.get(variable.name) ?? []).includes(ALL);
  const options = useKeptQueries(
    used.map((variable) => ({ ...optionsQuery(variable, values, range, all(variable)), like: variable.name })),
  );
  const key = JSON.stringify(
    used.map((variable, at) => [variable.name, all(variable) ? (options[at]?.data ?? []) : chosen.get(variable.name)]),
  );
  return useMemo(() => new Map(JSON.parse(key) as [string, string[]][]), [key]);
}
