// One service: its figures and its operations, each with the way to its traces.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { FileText, GitFork } from "lucide-react";
import { useState } from "react";
import { fetchOperations, fetchServices, type OperationFigures } from "../../api/services.ts";
import { SortHead } from "../../components/SortHead.tsx";
import { Empty, ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { term } from "../../lib/filter.ts";
import { useKeys } from "../../lib/keys.ts";
import { formatPercent, formatShort } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { refreshNow, useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { FIGURES, FigureCells, sortFigures } from "./figures.tsx";
import styles from "./Services.module.css";

export function ServicePage() {
  const { name = "" } = useParams({ strict: false });
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const [cursor, setCursor] = useState(-1);
  const operations = useQuery({
    queryKey: ["operations", name, range],
    queryFn: ({ signal }) => fetchOperations(name, range, signal),
    placeholderData: keepPreviousData,
  });
  const services = useQuery({
    queryKey: ["services", range],
    queryFn: ({ signal }) => fetchServices(range, signal),
    placeholderData: keepPreviousData,
  });
  const data = operations.data?.value;
  const service = services.data?.value.services.find((candidate) => candidate.name === name);
  useReport({
    asOfMilli,
    elapsedMs: operations.data?.elapsedMs ?? null,
    rowsScanned: data?.stats?.rows_scanned ?? null,
    partial: data?.partial?.reason ?? null,
    notes: [],
    busy: operations.isFetching,
  });
  const sort = FIGURES.find((figure) => figure.id === search.sort)?.id ?? "calls";
  const shown = sortFigures(data?.operations ?? [], sort);
  const tracesOf = (operation: OperationFigures, extra = "") => ({
    ...timeSearch,
    q: `${term("service", name)} ${term("name", operation.name)}${extra}`,
  });
  const move = (step: number) => setCursor((old) => Math.min(shown.length - 1, Math.max(0, old + step)));
  useKeys("page", "List", [
    { keys: "j", label: "Next row", run: () => move(1) },
    { keys: "k", label: "Previous row", run: () => move(-1) },
    {
      keys: "Enter",
      label: "Traces of the operation",
      run: () => shown[cursor] && void navigate({ to: "/traces", search: tracesOf(shown[cursor]) }),
    },
  ]);
  return (
    <>
      <div className={styles.head}>
        <Tile name="Rate" value={service ? `${formatShort(service.rate_per_s)}/s` : "–"} />
        <Tile
          name="Errors"
          value={service ? formatPercent(service.error_ratio) : "–"}
          bad={(service?.error_ratio ?? 0) > 0}
        />
        <Tile name="p50" value={service ? formatDuration(service.p50_nanos) : "–"} />
        <Tile name="p95" value={service ? formatDuration(service.p95_nanos) : "–"} />
        <Tile name="p99" value={service ? formatDuration(service.p99_nanos) : "–"} />
        <div className={styles.headLinks}>
          <Link to="/traces" search={{ ...timeSearch, q: term("service", name) }} className="button">
            <GitFork size={14} aria-hidden /> Traces
          </Link>
          <Link to="/logs" search={{ ...timeSearch, q: term("service", name) }} className="button">
            <FileText size={14} aria-hidden /> Logs
          </Link>
        </div>
      </div>
      {data?.partial && <PartialStrip reason={data.partial.reason} onRetry={refreshNow} />}
      {operations.error && <ErrorBox error={operations.error} onRetry={() => void operations.refetch()} />}
      {operations.isPending && <Skeleton rows={10} />}
      {data && shown.length === 0 && <Empty reason="out-of-range" title={`No spans of ${name} in this range`} />}
      {shown.length > 0 && (
        <div className={styles.scroll}>
          <table className="table">
            <thead>
              <tr>
                <th>Operation</th>
                <th>Kind</th>
                {FIGURES.map((figure) => (
                  <SortHead
                    key={figure.id}
                    active={sort === figure.id}
                    onSort={() => patch({ sort: figure.id === "calls" ? undefined : figure.id })}
                  >
                    {figure.title}
                  </SortHead>
                ))}
                <th>
                  <span className="sr-only">Links</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((operation, index) => (
                <tr key={`${operation.kind} ${operation.name}`} aria-selected={index === cursor}>
                  <td>
                    <Link to="/traces" search={tracesOf(operation)} className={styles.operation ?? ""}>
                      {operation.name}
                    </Link>
                  </td>
                  <td className="muted">{operation.kind.toLowerCase()}</td>
                  <FigureCells figures={operation} max={Math.max(...shown.map((each) => each.p95_nanos))} />
                  <td className={styles.links}>
                    {operation.errors > 0 && (
                      <Link to="/traces" search={tracesOf(operation, " status:error")}>
                        Errors
                      </Link>
                    )}
                    <Link
                      to="/traces"
                      search={tracesOf(operation, ` duration>=${Math.floor(operation.p95_nanos / 1000)}us`)}
                    >
                      Slow
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Tile({ name, value, bad = false }: { name: string; value: string; bad?: boolean }) {
  return (
    <dl className={styles.tile}>
      <dt>{name}</dt>
      <dd data-bad={bad}>{value}</dd>
    </dl>
  );
}
