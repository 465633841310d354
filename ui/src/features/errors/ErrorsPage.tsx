// Errors: exceptions grouped by type, message without its variables, and top frame.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { fetchErrors } from "../../api/errors.ts";
import { ErrorTable, isNew, isRegressed } from "../../components/ErrorTable.tsx";
import { FilterBox } from "../../components/FilterBox.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, LimitBadge } from "../../components/States.tsx";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { formatCount, plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import styles from "./Errors.module.css";

const SORTS = [
  { id: "last_seen", title: "Last seen" },
  { id: "first_seen", title: "First seen" },
  { id: "count", title: "Most frequent" },
] as const;
const LIMIT = 200;

export function ErrorsPage() {
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const [cursor, setCursor] = useState(-1);
  const filter = useRef<HTMLInputElement>(null);
  const sort = SORTS.find((each) => each.id === search.sort)?.id ?? "last_seen";
  const [service = "", q = ""] = [search.group, search.q];
  const queryKey = ["errors", range, service, q, sort];
  const errors = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchErrors({ range, service, q, sort, limit: LIMIT }, signal),
    placeholderData: keepPreviousData,
  });
  const everyone = useQuery({
    queryKey: ["errors", range, "", "", "count"],
    queryFn: ({ signal }) => fetchErrors({ range, sort: "count", limit: LIMIT }, signal),
    placeholderData: keepPreviousData,
  });
  const groups = errors.data?.value.errors ?? [];
  const services = [...new Set((everyone.data?.value.errors ?? []).map((group) => group.service))].sort();
  useReport({
    asOfMilli,
    elapsedMs: errors.data?.elapsedMs ?? null,
    rowsScanned: null,
    partial: null,
    notes: errors.data ? [plural(errors.data.value.total, "group")] : [],
    busy: errors.isFetching,
  });
  const move = (step: number) => setCursor((old) => Math.min(groups.length - 1, Math.max(0, old + step)));
  const open = () => {
    const group = groups[cursor];
    if (group) void navigate({ to: "/errors/$group", params: { group: group.id }, search: timeSearch });
  };
  useKeys("page", "List", [
    ...rowKeys(move),
    { keys: "Enter", label: "Open the error", run: open },
    {
      keys: "Space",
      label: "Show the error beside the list",
      run: () => groups[cursor] && patch({ peek: `err:${groups[cursor].id}` }),
    },
    { keys: "/", label: "Filter the list", run: () => filter.current?.focus() },
  ]);
  const fresh = groups.filter((group) => isNew(group, range)).length;
  const regressed = groups.filter((group) => isRegressed(group, range)).length;
  return (
    <>
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter errors"
          placeholder="Filter by type, message or frame (/)"
          value={q}
          onChange={(value) => patch({ q: value || undefined }, { replace: true })}
        />
        <select
          className="input"
          aria-label="Service"
          value={service}
          onChange={(event) => patch({ group: event.target.value || undefined })}
        >
          <option value="">All services</option>
          {services.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <select
          className="input"
          aria-label="Order"
          value={sort}
          onChange={(event) => patch({ sort: event.target.value === "last_seen" ? undefined : event.target.value })}
        >
          {SORTS.map((each) => (
            <option key={each.id} value={each.id}>
              {each.title}
            </option>
          ))}
        </select>
        <span className="grow" />
        {fresh > 0 && <span className="badge error">{fresh} new</span>}
        {regressed > 0 && <span className="badge warn">{regressed} regressed</span>}
        {(errors.data?.value.overflow ?? 0) > 0 && (
          <LimitBadge title="The limit of groups was reached; what came after it was counted, not grouped.">
            {formatCount(errors.data?.value.overflow ?? 0)} not grouped
          </LimitBadge>
        )}
        {(errors.data?.value.total ?? 0) > LIMIT && (
          <LimitBadge>
            {LIMIT} of {formatCount(errors.data?.value.total ?? 0)} groups
          </LimitBadge>
        )}
      </div>
      <div className={styles.scroll}>
        <QueryState
          result={errors}
          queryKey={queryKey}
          isEmpty={(data) => data.value.errors.length === 0}
          empty={
            <NoErrors filtered={q !== "" || service !== ""} onClear={() => patch({ q: undefined, group: undefined })} />
          }
        >
          {(data) => <ErrorTable groups={data.value.errors} range={range} cursor={cursor} />}
        </QueryState>
      </div>
    </>
  );
}

function NoErrors({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  const timeSearch = useTimeSearch();
  if (filtered) {
    return (
      <Empty reason="filtered" title="No error matches">
        <button type="button" className="button" onClick={onClear}>
          Show all errors
        </button>
      </Empty>
    );
  }
  return (
    <NothingFound
      signal="traces"
      query=""
      onQuery={() => {}}
      otherwise={
        <Empty reason="none" title="No exceptions in this range">
          <p>
            Errors come from exceptions that spans record (events named <code>exception</code>). Spans can fail without
            one.
          </p>
          <Link to="/traces" search={{ ...timeSearch, q: "status:error" }} className="button">
            Traces with errors
          </Link>
        </Empty>
      }
    />
  );
}
