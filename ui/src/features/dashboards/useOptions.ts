// The values that a variable can have, asked from the server when they are needed.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchValues } from "../../api/batch.ts";
import type { Range } from "../../lib/time/range.ts";
import { interpolate, type Values } from "./interpolate.ts";
import type { Panel, Variable } from "./model.ts";
import { parseLabelQuery } from "./read-variables.ts";
import { ALL, applyRegex } from "./variables.ts";

function optionsQuery(variable: Variable, values: Values, range: Range, enabled: boolean) {
  const query = interpolate(variable.query, values);
  return {
    queryKey: ["variable", variable.name, variable.kind, query, range],
    enabled,
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      if (variable.kind !== "query") return variable.options;
      const wanted = parseLabelQuery(query);
      if (!wanted) throw new Error(`only label_values(..) and metrics(..) are understood, not: ${query}`);
      return applyRegex(await fetchValues(wanted.label, wanted.match, range, signal), variable.regex);
    },
  };
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
  const options = useQueries({
    queries: used.map((variable) => optionsQuery(variable, values, range, all(variable))),
  });
  const key = JSON.stringify(
    used.map((variable, at) => [variable.name, all(variable) ? (options[at]?.data ?? []) : chosen.get(variable.name)]),
  );
  return useMemo(() => new Map(JSON.parse(key) as [string, string[]][]), [key]);
}
