// Queries in a list whose keys move with the range. TanStack looks for the answer before in the observer of the same key,
// so in a list `keepPreviousData` keeps nothing: what is shown would go blank at every refresh.
import { type QueryKey, type UseQueryResult, useQueries } from "@tanstack/react-query";
import { useRef } from "react";

export interface KeptQuery<T> {
  queryKey: QueryKey;
  queryFn: (context: { signal: AbortSignal }) => Promise<T>;
  /** What it asks for, whatever the range: until its answer is there, that of the same name is shown. */
  like: string;
  enabled?: boolean;
  retry?: false;
  staleTime?: number;
}

export function useKeptQueries<T>(queries: readonly KeptQuery<T>[]): UseQueryResult<T>[] {
  const kept = useRef<ReadonlyMap<string, T>>(new Map());
  const results = useQueries({
    queries: queries.map(({ like, ...query }) => ({
      ...query,
      placeholderData: () => kept.current.get(like) as never,
    })),
  }) as UseQueryResult<T>[];
  const next = new Map<string, T>();
  queries.forEach(({ like }, at) => {
    const data = results[at]?.data ?? kept.current.get(like);
    if (data !== undefined) next.set(like, data);
  });
  kept.current = next;
  return results;
}
