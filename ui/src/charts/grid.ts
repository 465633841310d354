// Values of one list of times on another: series of several queries in one chart, or of the period before.

type Values = readonly (number | null)[];

/** Whether both lists are the same times. */
function same(a: readonly number[], b: readonly number[]): boolean {
  return (
    a === b ||
    (a.length === b.length && a[0] === b[0] && a.at(-1) === b.at(-1) && a[a.length >> 1] === b[b.length >> 1])
  );
}

/**
 * A value for each of `onto`, from the line through the values that are known: the same line is drawn. Where a value is
 * missing on either side there is none. Both lists ascend; `shift` is added to `times`.
 */
export function place(times: readonly number[], values: Values, onto: readonly number[], shift = 0): (number | null)[] {
  if (shift === 0 && same(times, onto)) return values.map(finite);
  const out = new Array<number | null>(onto.length).fill(null);
  let from = 0;
  for (let at = 0; at < onto.length; at++) {
    const time = (onto[at] ?? 0) - shift;
    while (from + 1 < times.length && (times[from + 1] ?? 0) <= time) from++;
    const [t0, t1] = [times[from] ?? Number.NaN, times[from + 1] ?? Number.NaN];
    const [v0, v1] = [finite(values[from] ?? null), finite(values[from + 1] ?? null)];
    if (t0 === time) out[at] = v0;
    else if (t0 < time && time < t1 && v0 !== null && v1 !== null) out[at] = v0 + ((v1 - v0) * (time - t0)) / (t1 - t0);
  }
  keepKnown(times, values, onto, shift, out);
  return out;
}

/** Each known value stands at the nearest of `onto`: extremes lie between them otherwise. */
function keepKnown(
  times: readonly number[],
  values: Values,
  onto: readonly number[],
  shift: number,
  out: (number | null)[],
): void {
  let near = 0;
  for (let at = 0; at < times.length; at++) {
    const time = (times[at] ?? 0) + shift;
    const distance = (place: number) => Math.abs((onto[place] ?? Number.POSITIVE_INFINITY) - time);
    while (near + 1 < onto.length && distance(near + 1) <= distance(near)) near++;
    const value = finite(values[at] ?? null);
    const inside = onto.length > 0 && time >= (onto[0] ?? 0) && time <= (onto.at(-1) ?? 0);
    if (value !== null && inside) out[near] = value;
  }
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

/** The finest of several lists of times: the one with the most. */
export function finest(lists: readonly (readonly number[])[]): readonly number[] {
  return lists.reduce((best, list) => (list.length > best.length ? list : best), lists[0] ?? []);
}
