// What is the matter with a rule that fails or has nothing to look at.
import { useQuery } from "@tanstack/react-query";
import { serverNow } from "../../api/client.ts";
import { fetchWhyEmpty } from "../../api/why-empty.ts";
import styles from "./TriageTable.module.css";
import type { TriageRow } from "./triage.ts";

const HOUR_MILLI = 3_600_000;

export function ProblemText({ row }: { row: TriageRow }) {
  if (row.problem !== "") return <span className={styles.problem}>{row.problem}</span>;
  return <MissingText query={row.rule?.comparison?.left ?? row.rule?.rule.query ?? ""} />;
}

/** Why an expression has no series, in one sentence of the server. */
export function MissingText({ query }: { query: string }) {
  const why = useWhyMissing(query);
  return <span className={styles.problem}>{why ?? "its expression gives no series, so it cannot fire"}</span>;
}

export function useWhyMissing(query: string): string | null {
  const why = useQuery({
    queryKey: ["why-missing", query],
    queryFn: ({ signal }) => {
      const toMilli = serverNow();
      return fetchWhyEmpty("metrics", query, { fromMilli: toMilli - HOUR_MILLI, toMilli }, signal);
    },
    enabled: query !== "",
    staleTime: 60_000,
    retry: false,
  });
  const { data } = why;
  if (!data) return null;
  const [first] = data.mismatches;
  if (first)
    return first.similar.length > 0
      ? `${first.message}; similar: ${first.similar.slice(0, 3).join(", ")}`
      : first.message;
  return data.sentence || null;
}
