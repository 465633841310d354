// The groups of exceptions of one service.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchErrors } from "../../../api/errors.ts";
import { ErrorTable } from "../../../components/ErrorTable.tsx";
import { QueryState } from "../../../components/QueryState.tsx";
import { Empty } from "../../../components/States.tsx";
import { term } from "../../../lib/filter.ts";
import { useTimeSearch } from "../../../lib/view.ts";
import type { TabProps } from "./OverviewTab.tsx";

export function ErrorsTab({ service, range }: TabProps) {
  const timeSearch = useTimeSearch();
  const queryKey = ["errors", range, service];
  const errors = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchErrors({ range, service, sort: "count", limit: 200 }, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <QueryState
      result={errors}
      queryKey={queryKey}
      isEmpty={(data) => data.value.errors.length === 0}
      empty={
        <Empty reason="none" title={`No exceptions of ${service} in this range`}>
          <p>Spans can fail without an exception.</p>
          <Link
            to="/traces"
            search={{ ...timeSearch, q: `${term("service", service)} status:error` }}
            className="button"
          >
            Traces with errors
          </Link>
        </Empty>
      }
    >
      {(data) => <ErrorTable groups={data.value.errors} range={range} withService={false} />}
    </QueryState>
  );
}
