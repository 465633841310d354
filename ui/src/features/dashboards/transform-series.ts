// Transformations of series that are drawn: names, which of them, and lines calculated from others.
import { align, type PanelSeries } from "./series.ts";
import { type Calculation, calculate, reduceBy, type Transformation } from "./transformations.ts";

export function transformSeries(series: readonly PanelSeries[], list: readonly Transformation[]): PanelSeries[] {
  let all = [...series];
  for (const step of list) all = transformed(all, step);
  return all;
}

function transformed(all: PanelSeries[], step: Transformation): PanelSeries[] {
  switch (step.kind) {
    case "organize":
      return inOrder(
        all.filter((each) => !step.hidden.has(each.name)),
        step.order,
      ).map((each) => ({ ...each, name: step.names.get(each.name) ?? each.name }));
    case "rename":
      return all.map((each) => ({ ...each, name: each.name.replace(step.regex, step.by) }));
    case "keep":
      return all.filter((each) => keeps(step, each.name));
    case "keepQueries":
      return all.filter((each) => step.regex.test(each.refId));
    case "calculate":
      return step.alone ? calculated(all, step) : [...all, ...calculated(all, step)];
    case "limit":
      return all.slice(0, step.count);
    default:
      // These make rows and columns; a drawing has its own.
      return all;
  }
}

export function keeps({ names, regex, except }: Extract<Transformation, { kind: "keep" }>, name: string): boolean {
  const found = (names?.has(name) ?? false) || (regex?.test(name) ?? false);
  return found !== except;
}

export function inOrder<T extends { name: string }>(list: readonly T[], order: ReadonlyMap<string, number>): T[] {
  const place = (name: string) => order.get(name) ?? Number.MAX_SAFE_INTEGER;
  return [...list].sort((a, b) => place(a.name) - place(b.name));
}

function calculated(
  series: readonly PanelSeries[],
  { alias, how }: Extract<Transformation, { kind: "calculate" }>,
): PanelSeries[] {
  if (series.length === 0) return [];
  const { times, values } = align(series);
  const made = times.map((_, at) => valueAt(series, values, at, how));
  if (made.every((value) => value === null)) return [];
  return [{ id: `= ${alias}`, name: alias, labels: {}, refId: "", expr: series[0]?.expr ?? "", times, values: made }];
}

function valueAt(
  series: readonly PanelSeries[],
  values: readonly (number | null)[][],
  at: number,
  how: Calculation,
): number | null {
  if (how.by === "reducer") {
    const of = series.flatMap((each, index) =>
      (how.names?.has(each.name) ?? true) ? [values[index]?.[at] ?? null] : [],
    );
    return reduceBy(how.reducer, of);
  }
  const side = (name: string) => {
    const index = series.findIndex((each) => each.name === name);
    if (index >= 0) return values[index]?.[at] ?? null;
    return name.trim() !== "" && Number.isFinite(Number(name)) ? Number(name) : null;
  };
  return calculate(how.operator, side(how.left), side(how.right));
}
