// Services: rate, errors and duration of each, from its spans.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useRef, useState } from "react";
import { fetchServices, type ServiceFigures } from "../../api/services.ts";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { Empty, ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { useKeys } from "../../lib/keys.ts";
import { formatShort } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { refreshNow, useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { FIGURES, FigureCells, type FigureColumn, sortFigures } from "./figures.tsx";
import styles from "./Services.module.css";

export function ServicesPage() {
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [cursor, setCursor] = useState(-1);
  const filter = useRef<HTMLInputElement>(null);
  const services = useQuery({
    queryKey: ["services", range],
    queryFn: ({ signal }) => fetchServices(range, signal),
    placeholderData: keepPreviousData,
  });
  const data = services.data?.value;
  useReport({
    asOfMilli,
    elapsedMs: services.data?.elapsedMs ?? null,
    rowsScanned: data?.stats?.rows_scanned ?? null,
    partial: data?.partial?.reason ?? null,
    notes: [],
    busy: services.isFetching,
  });
  const sort = FIGURES.find((figure) => figure.id === search.sort)?.id ?? "calls";
  const shown = sortFigures(
    (data?.services ?? []).filter((service) => service.name.toLowerCase().includes(text.toLowerCase())),
    sort,
  );
  const open = (service: ServiceFigures | undefined) => {
    if (service) void navigate({ to: "/services/$name", params: { name: service.name }, search: timeSearch });
  };
  const move = (step: number) => setCursor((old) => Math.min(shown.length - 1, Math.max(0, old + step)));
  useKeys("page", "List", [
    { keys: "j", label: "Next row", run: () => move(1) },
    { keys: "k", label: "Previous row", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next row", run: () => move(1) },
    { keys: "ArrowUp", label: "Previous row", run: () => move(-1) },
    { keys: "Enter", label: "Open the service", run: () => open(shown[cursor]) },
    { keys: "/", label: "Filter the list", run: () => filter.current?.focus() },
  ]);
  if (services.isPending) return <Skeleton rows={10} />;
  if (services.error) return <ErrorBox error={services.error} onRetry={() => void services.refetch()} />;
  if (data && data.services.length === 0) return <NothingFound signal="traces" query="" onQuery={() => {}} />;
  return (
    <>
      {data?.partial && <PartialStrip reason={data.partial.reason} onRetry={refreshNow} />}
      <div className={styles.tools}>
        <label className={styles.filter}>
          <Search size={13} aria-hidden />
          <input
            ref={filter}
            value={text}
            placeholder="Filter services (/)"
            aria-label="Filter services"
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          />
        </label>
        <span className="faint">Calls are server and consumer spans and roots</span>
      </div>
      <div className={styles.scroll}>
        {shown.length === 0 && <Empty reason="filtered" title={`No service contains “${text}”`} />}
        {shown.length > 0 && (
          <table className="table">
            <thead>
              <tr>
                <th>Service</th>
                {FIGURES.map((figure) => (
                  <SortHead
                    key={figure.id}
                    active={sort === figure.id}
                    onSort={() => patch({ sort: sortParam(figure.id) })}
                  >
                    {figure.title}
                  </SortHead>
                ))}
                <th className="number">Spans</th>
                <th>
                  <span className="sr-only">Links</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((service, index) => (
                <tr key={service.name} aria-selected={index === cursor}>
                  <td>
                    <Link
                      to="/services/$name"
                      params={{ name: service.name }}
                      search={timeSearch}
                      className={styles.name ?? ""}
                    >
                      <ServiceName name={service.name} />
                    </Link>
                  </td>
                  <FigureCells figures={service} max={Math.max(...shown.map((each) => each.p95_nanos))} />
                  <td className="number muted">{formatShort(service.spans)}</td>
                  <td className={styles.links}>
                    <Link to="/traces" search={{ ...timeSearch, q: `service:${service.name}` }}>
                      Traces
                    </Link>
                    <Link to="/logs" search={{ ...timeSearch, q: `service:${service.name}` }}>
                      Logs
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </>
  );
}

function sortParam(column: FigureColumn): string | undefined {
  return column === "calls" ? undefined : column;
}
