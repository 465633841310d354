// A filter text as one flag per span: what the columns know at once, the rest when the source has answered.
import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import type { CriticalPath } from "./critical.ts";
import { evaluate, parseFilter, remoteTerms } from "./filter.ts";
import type { TraceSource } from "./source.ts";
import type { TraceTree } from "./tree.ts";

export interface Matches {
  /** Null for an empty or wrong text. */
  flags: Uint8Array | null;
  count: number;
  problem: string | null;
  /** The source has not answered all terms yet. */
  pending: boolean;
}

const NOTHING: Matches = { flags: null, count: 0, problem: null, pending: false };

export function useMatches(text: string, tree: TraceTree, path: CriticalPath, source: TraceSource): Matches {
  const parsed = useMemo(() => {
    try {
      return { filter: parseFilter(text), problem: null };
    } catch (error) {
      return { filter: null, problem: error instanceof Error ? error.message : String(error) };
    }
  }, [text]);
  const terms = useMemo(() => remoteTerms(parsed.filter), [parsed]);
  const answers = useQueries({
    queries: terms.map((term) => ({
      queryKey: ["trace-term", source.key, tree.count, term],
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
      queryFn: ({ signal }: { signal: AbortSignal }) => source.matching(term, signal),
    })),
  });
  const lists = answers.map((answer) => answer.data);
  const refused = answers.find((answer) => answer.error)?.error?.message ?? null;
  const signature = lists.map((list) => list?.length ?? -1).join(",");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for the answers
  return useMemo(() => {
    if (!parsed.filter) return { ...NOTHING, problem: parsed.problem };
    const remote = new Map<string, Uint8Array>();
    terms.forEach((term, at) => {
      const list = lists[at];
      if (list) remote.set(term, flagsOf(tree, list));
    });
    try {
      const flags = evaluate(parsed.filter, { tree, path, remote });
      const count = flags.reduce((sum, flag) => sum + flag, 0);
      return { flags, count, problem: refused, pending: refused === null && lists.includes(undefined) };
    } catch (error) {
      return { ...NOTHING, problem: error instanceof Error ? error.message : String(error) };
    }
  }, [parsed, tree, path, signature, refused]);
}

function flagsOf(tree: TraceTree, ids: readonly string[]): Uint8Array {
  const wanted = new Set(ids);
  const out = new Uint8Array(tree.count);
  for (let at = 0; at < tree.count; at++) if (wanted.has(tree.spanIds[at] ?? "")) out[at] = 1;
  return out;
}
