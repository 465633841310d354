// The trace as the API answers it; beyond a size that can be read, only the download.
import { useQuery } from "@tanstack/react-query";
import { apiUrl } from "../../api/client.ts";
import { JsonView } from "../../components/JsonView.tsx";
import { Empty, ErrorBox, Skeleton } from "../../components/States.tsx";
import { formatCount } from "../../lib/number.ts";
import type { TraceSource } from "./source.ts";
import styles from "./TraceView.module.css";
import type { TraceTree } from "./tree.ts";

const READABLE_SPANS = 500;

export function JsonTrace({ tree, source }: { tree: TraceTree; source: TraceSource }) {
  const small = tree.count <= READABLE_SPANS;
  const trace = useQuery({
    queryKey: ["trace-json", source.key, tree.count],
    enabled: small,
    queryFn: ({ signal }) => source.all(signal),
  });
  if (!small) {
    return (
      <Empty reason="none" title={`${formatCount(tree.count)} spans are too many to show as text`}>
        {source.live && (
          <a className="button" href={apiUrl(`api/v1/traces/${tree.traceId}`)} download={`trace-${tree.traceId}.json`}>
            Download the JSON
          </a>
        )}
      </Empty>
    );
  }
  if (trace.error) return <ErrorBox error={trace.error} onRetry={() => void trace.refetch()} />;
  if (!trace.data) return <Skeleton rows={14} />;
  return (
    <div className={styles.json}>
      <JsonView value={{ trace_id: tree.traceId, spans: trace.data }} />
    </div>
  );
}
