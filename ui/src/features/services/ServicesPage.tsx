// Services: rate, errors and duration of each, from its spans; by environment or namespace when there are many.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Columns3 } from "lucide-react";
import { Fragment, useRef, useState } from "react";
import { fetchServices, type ServiceFigures } from "../../api/services.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { Popover } from "../../components/Popover.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { Sparkline } from "../../components/Sparkline.tsx";
import { Empty } from "../../components/States.tsx";
import { ALL_ROWS, fillZero, type Grid } from "../../lib/buckets.ts";
import { term } from "../../lib/filter.ts";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { formatShort } from "../../lib/number.ts";
import { usePeek } from "../../lib/peek.ts";
import { useReport } from "../../lib/report.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { COLUMNS, type ColumnId, chosenColumns, columnsParam } from "./columns.ts";
import { FIGURES, FigureCell, sortFigures } from "./figures.tsx";
import { CALLS, gridOf, IDENTITY_QUERY, type Identity, identities, useAnalysis } from "./queries.ts";
import styles from "./Services.module.css";
import { StateBadges } from "./StateBadges.tsx";
import { type ServiceState, useServiceStates } from "./states.ts";

const GROUPS = [
  { id: "", title: "No groups" },
  { id: "environment", title: "By environment" },
  { id: "namespace", title: "By namespace" },
] as const;

export function ServicesPage() {
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const peek = usePeek();
  const [cursor, setCursor] = useState(-1);
  const [picking, setPicking] = useState(false);
  const filter = useRef<HTMLInputElement>(null);
  const queryKey = ["services", range];
  const services = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchServices(range, signal),
    placeholderData: keepPreviousData,
  });
  const about = useAnalysis("traces", IDENTITY_QUERY, range);
  const trend = useAnalysis("traces", `${CALLS} | timeseries count() by service ${ALL_ROWS}`, range);
  const who = identities(about.data?.value.table);
  const counts = gridOf(trend.data?.value, range, "count", "service");
  const data = services.data?.value;
  useReport({
    asOfMilli,
    elapsedMs: services.data?.elapsedMs ?? null,
    rowsScanned: data?.stats?.rows_scanned ?? null,
    partial: data?.partial?.reason ?? null,
    notes: [],
    busy: services.isFetching,
  });
  const text = search.find ?? "";
  const sort = FIGURES.find((figure) => figure.id === search.sort)?.id ?? "calls";
  const columns = chosenColumns(search.cols);
  const group = GROUPS.find((each) => each.id === search.group)?.id ?? "";
  const shown = sortFigures(
    (data?.services ?? []).filter((service) => service.name.toLowerCase().includes(text.toLowerCase())),
    sort,
  );
  const sections = inGroups(shown, (service) => {
    const identity = who.get(service.name);
    if (group === "environment") return identity?.environments[0] ?? "no environment";
    return group === "namespace" ? (identity?.namespaces[0] ?? "no namespace") : "";
  });
  const order = sections.flatMap(([, rows]) => rows);
  const open = (service: ServiceFigures | undefined) => {
    if (service) void navigate({ to: "/services/$name", params: { name: service.name }, search: timeSearch });
  };
  const move = (step: number) => {
    const next = Math.min(order.length - 1, Math.max(0, cursor + step));
    setCursor(next);
    const service = order[next];
    if (service && peek.levels.length > 0) peek.open({ kind: "svc", id: service.name });
  };
  useKeys("page", "List", [
    ...rowKeys(move),
    { keys: "Enter", label: "Open the service", run: () => open(order[cursor]) },
    {
      keys: "Space",
      label: "Show the service beside the list",
      run: () => order[cursor] && peek.open({ kind: "svc", id: order[cursor].name }),
    },
    { keys: "shift+c", label: "Choose columns", run: () => setPicking(true) },
    { keys: "/", label: "Filter the list", run: () => filter.current?.focus() },
  ]);
  const states = useServiceStates();
  const maxP95 = Math.max(...shown.map((each) => each.p95_nanos));
  return (
    <>
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter services"
          placeholder="Filter services (/)"
          value={text}
          onChange={(value) => patch({ find: value || undefined }, { replace: true })}
        />
        <select
          className="input"
          aria-label="Groups"
          value={group}
          onChange={(event) => patch({ group: event.target.value || undefined })}
        >
          {GROUPS.map((each) => (
            <option key={each.id} value={each.id}>
              {each.title}
            </option>
          ))}
        </select>
        <Popover
          open={picking}
          onOpenChange={setPicking}
          title="Columns"
          button={
            <>
              <Columns3 size={14} aria-hidden /> Columns
            </>
          }
        >
          <ColumnPicker chosen={columns} onChange={(next) => patch({ cols: columnsParam(next) }, { replace: true })} />
        </Popover>
        <span className={`faint ellipsis ${styles.source}`}>
          from spans: calls are server and consumer spans and roots
        </span>
      </div>
      <QueryState
        result={services}
        queryKey={queryKey}
        partial={(answer) => answer.value.partial?.reason ?? null}
        isEmpty={(answer) => answer.value.services.length === 0}
        empty={<NothingFound signal="traces" query="" onQuery={() => {}} />}
      >
        {() => (
          <div className={styles.scroll}>
            {shown.length === 0 && (
              <Empty reason="filtered" title={`No service contains “${text}”`}>
                <button type="button" className="button" onClick={() => patch({ find: undefined })}>
                  Show all services
                </button>
              </Empty>
            )}
            {shown.length > 0 && (
              <table className="table">
                <thead>
                  <tr>
                    <th>Service</th>
                    {columns.map((id) => (
                      <Head
                        key={id}
                        id={id}
                        sort={sort}
                        onSort={(column) => patch({ sort: column === "calls" ? undefined : column })}
                      />
                    ))}
                    <th>
                      <span className="sr-only">Links</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {sections.map(([title, rows]) => (
                    <Fragment key={title}>
                      {group !== "" && (
                        <tr className={styles.group}>
                          <th colSpan={columns.length + 2} scope="rowgroup">
                            {title} <span className="faint">{rows.length}</span>
                          </th>
                        </tr>
                      )}
                      {rows.map((service) => (
                        <tr key={service.name} aria-selected={service === order[cursor]}>
                          <td className={styles.service}>
                            <Link
                              to="/services/$name"
                              params={{ name: service.name }}
                              search={timeSearch}
                              className={styles.name ?? ""}
                            >
                              <ServiceName name={service.name} />
                            </Link>
                          </td>
                          {columns.map((id) => (
                            <Cell
                              key={id}
                              id={id}
                              service={service}
                              identity={who.get(service.name)}
                              counts={counts}
                              maxP95={maxP95}
                              state={states.get(service.name)}
                            />
                          ))}
                          <td className={styles.links}>
                            <Link to="/traces" search={{ ...timeSearch, q: term("service", service.name) }}>
                              Traces
                            </Link>
                            <Link to="/logs" search={{ ...timeSearch, q: term("service", service.name) }}>
                              Logs
                            </Link>
                          </td>
                        </tr>
                      ))}
                    </Fragment>
                  ))}
                </tbody>
              </table>
            )}
          </div>
        )}
      </QueryState>
    </>
  );
}

function inGroups<T>(rows: readonly T[], keyOf: (row: T) => string): [string, T[]][] {
  const out = new Map<string, T[]>();
  for (const row of rows) out.set(keyOf(row), [...(out.get(keyOf(row)) ?? []), row]);
  return [...out].sort(([a], [b]) => a.localeCompare(b));
}

function Head({ id, sort, onSort }: { id: ColumnId; sort: string; onSort: (id: ColumnId) => void }) {
  const column = COLUMNS.find((each) => each.id === id);
  if (FIGURES.some((figure) => figure.id === id)) {
    return (
      <SortHead active={sort === id} onSort={() => onSort(id)}>
        {column?.title}
      </SortHead>
    );
  }
  return <th className={column?.number ? "number" : ""}>{column?.title}</th>;
}

interface CellProps {
  id: ColumnId;
  service: ServiceFigures;
  identity: Identity | undefined;
  counts: Grid | null;
  maxP95: number;
  state: ServiceState | undefined;
}

function Cell({ id, service, identity, counts, maxP95, state }: CellProps) {
  switch (id) {
    case "state":
      return (
        <td>
          <StateBadges service={service.name} state={state} />
        </td>
      );
    case "environment":
      return <td className="muted">{identity?.environments.join(", ")}</td>;
    case "namespace":
      return <td className="muted">{identity?.namespaces.join(", ")}</td>;
    case "language":
      return <td className="muted">{identity?.languages.join(", ")}</td>;
    case "version":
      return (
        <td className={`muted ellipsis ${styles.version}`} title={identity?.versions.join(", ")}>
          {identity?.versions.slice(0, 2).join(", ")}
          {(identity?.versions.length ?? 0) > 2 && ", …"}
        </td>
      );
    case "trend":
      return (
        <td>
          <Sparkline
            values={(counts ? fillZero(counts).values.get(service.name) : undefined) ?? []}
            label="calls over time"
          />
        </td>
      );
    case "spans":
      return <td className="number muted">{formatShort(service.spans)}</td>;
    default:
      return <FigureCell id={id} figures={service} max={maxP95} />;
  }
}

function ColumnPicker({ chosen, onChange }: { chosen: readonly ColumnId[]; onChange: (next: ColumnId[]) => void }) {
  return (
    <ul className={styles.picker}>
      {COLUMNS.map((column) => (
        <li key={column.id}>
          <label>
            <input
              type="checkbox"
              checked={chosen.includes(column.id)}
              onChange={(event) =>
                onChange(
                  COLUMNS.map((each) => each.id).filter((id) =>
                    id === column.id ? event.target.checked : chosen.includes(id),
                  ),
                )
              }
            />
            {column.title}
          </label>
        </li>
      ))}
    </ul>
  );
}
