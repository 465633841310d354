// The one place that decides what a panel shows: outline, data, data that is being replaced, a part of the data, why
// there is none, or what went wrong.
import type { UseQueryResult } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import styles from "./States.module.css";
import { ErrorBox, PartialStrip, RefreshBar, type Shape, Skeleton } from "./States.tsx";

export interface QueryStateProps<T> {
  result: Pick<UseQueryResult<T, Error>, "data" | "error" | "isFetching" | "isPlaceholderData" | "refetch">;
  /** Key of the query, so that a slow one can be cancelled. */
  queryKey?: readonly unknown[];
  shape?: Shape;
  rows?: number;
  /** Text that the position of an error refers to. */
  query?: string;
  onApply?: (query: string) => void;
  /** Why the answer is not whole; null when it is. */
  partial?: (data: T) => string | null;
  isEmpty?: (data: T) => boolean;
  empty?: ReactNode;
  children: (data: T) => ReactNode;
}

export function QueryState<T>(props: QueryStateProps<T>) {
  const { result, queryKey, shape = "rows", rows = 10, query, onApply, partial, isEmpty, empty, children } = props;
  const client = useQueryClient();
  const { data, error } = result;
  const retry = () => void result.refetch();
  const reason = data === undefined ? null : (partial?.(data) ?? null);
  const nothing = data !== undefined && (isEmpty?.(data) ?? false) && !(error !== null);
  return (
    <div className={styles.box}>
      <RefreshBar
        busy={result.isFetching && data !== undefined}
        onCancel={queryKey ? () => void client.cancelQueries({ queryKey }) : undefined}
      />
      {error && (
        <ErrorBox
          error={error}
          onRetry={retry}
          {...(query === undefined ? {} : { query })}
          {...(onApply ? { onApply } : {})}
        />
      )}
      {reason !== null && <PartialStrip reason={reason} onRetry={retry} />}
      {data === undefined && !error && <Skeleton shape={shape} rows={rows} />}
      {/* An answer to an older question is shown while the next one is on its way; that it is empty says nothing then. */}
      {data !== undefined &&
        (nothing ? result.isPlaceholderData ? <Skeleton shape={shape} rows={rows} /> : empty : children(data))}
    </div>
  );
}
