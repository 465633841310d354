// Errors that came back: seen long ago, silent over a whole range before this one, and seen again in it.
import { useQuery } from "@tanstack/react-query";
import { type ErrorGroup, fetchErrors } from "../api/errors.ts";
import type { Range } from "../lib/time/range.ts";

/** As many as the server lists. */
const LIMIT = 500;

export function rangeBefore({ fromMilli, toMilli }: Range): Range {
  return { fromMilli: fromMilli - (toMilli - fromMilli), toMilli: fromMilli };
}

const occurs = (group: ErrorGroup) => group.buckets.some((bucket) => bucket.count > 0);

/** `before`: the groups over the range before; those that are not in it did not occur. */
export function regressedOf(groups: readonly ErrorGroup[], before: readonly ErrorGroup[], range: Range): Set<string> {
  const { fromMilli } = rangeBefore(range);
  const active = new Set(before.filter(occurs).map(({ id }) => id));
  return new Set(
    groups
      .filter((group) => group.first_seen_unix_milli < fromMilli && occurs(group) && !active.has(group.id))
      .map(({ id }) => id),
  );
}

/** Undefined until it is known. */
export function useRegressed(groups: readonly ErrorGroup[] | undefined, range: Range): ReadonlySet<string> | undefined {
  const earlier = rangeBefore(range);
  const old = groups?.some((group) => group.first_seen_unix_milli < earlier.fromMilli) ?? false;
  const before = useQuery({
    queryKey: ["errors-before", earlier],
    queryFn: ({ signal }) => fetchErrors({ range: earlier, limit: LIMIT }, signal),
    enabled: old,
  });
  // Of more than can be listed, those that are missing may have occurred.
  const whole = before.data !== undefined && before.data.value.total <= LIMIT;
  return groups && whole ? regressedOf(groups, before.data.value.errors, range) : undefined;
}
