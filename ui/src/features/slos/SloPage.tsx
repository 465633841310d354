// One objective: the sentence, the budget over its window and where it goes, how it burns, who spent it, what was bad,
// the alerts made from it, and its definition.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Pencil, Split, Trash2 } from "lucide-react";
import { useState } from "react";
import { fetchSlo, removeSlo, type Slo, type SloGroup } from "../../api/slos.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { BudgetBar } from "../../components/ShareBar.tsx";
import { SloState } from "../../components/SloState.tsx";
import { Empty, ErrorBox } from "../../components/States.tsx";
import { Tile } from "../../components/Tile.tsx";
import { burnState, formatObjective, formatSli, formatSpan, observed, projectionOf } from "../../lib/budget.ts";
import { formatCount } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatInstant, formatRelative } from "../../lib/time/format.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { BadEvents } from "./BadEvents.tsx";
import { BurnCharts } from "./BurnCharts.tsx";
import { BurnDown } from "./BurnDown.tsx";
import { badFilter } from "./bad.ts";
import { Definition } from "./Definition.tsx";
import { Proposals } from "./Proposals.tsx";
import { Rules } from "./Rules.tsx";
import styles from "./Slos.module.css";
import { Spent } from "./Spent.tsx";

const NEW_MS = 5000;
const REFRESH_MS = 60_000;

export function SloPage() {
  const { id = "" } = useParams({ strict: false });
  const { asOfMilli } = useTime();
  const queryKey = ["slo", id, asOfMilli];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchSlo(id, signal),
    placeholderData: keepPreviousData,
    // It is counted by the minute; a new one is looked for more often.
    refetchInterval: ({ state }) => (state.data?.indicator && state.data.groups.length === 0 ? NEW_MS : REFRESH_MS),
  });
  useReport({ asOfMilli, elapsedMs: null, rowsScanned: null, partial: null, notes: [], busy: result.isFetching });
  if (result.error && "kind" in result.error && result.error.kind === "not_found") {
    return (
      <Empty reason="none" title="There is no such objective">
        <p>
          It may have been deleted, or its file no longer has <code>{id}</code>.
        </p>
        <Link to="/slos" search={{}} className="button">
          All objectives
        </Link>
      </Empty>
    );
  }
  return (
    <QueryState result={result} queryKey={queryKey} shape="tiles">
      {(slo) => <Loaded slo={slo} />}
    </QueryState>
  );
}

function Loaded({ slo }: { slo: Slo }) {
  const { search, patch } = useView();
  const group = slo.groups.find(({ labels }) => JSON.stringify(labels) === search.group) ?? slo.groups[0] ?? null;
  return (
    <div className={styles.page}>
      <Head slo={slo} group={group} onGroup={(labels) => patch({ group: labels })} />
      {slo.error && <p className={styles.problem}>It could not be counted: {slo.error}</p>}
      {slo.warnings.map((warning) => (
        <p key={warning} className={styles.warning}>
          {warning}
        </p>
      ))}
      {slo.indicator === null ? (
        <Proposals slo={slo} />
      ) : group === null ? (
        <Empty reason="waiting" title="Not counted yet">
          <p>Objectives are counted by the minute.</p>
        </Empty>
      ) : (
        <>
          <BurnDown slo={slo} group={group} />
          <BurnCharts slo={slo} group={group} />
          <div className={styles.columns}>
            <Spent slo={slo} group={group} />
            <BadEvents slo={slo} group={group} />
          </div>
        </>
      )}
      {slo.indicator !== null && <Rules slo={slo} />}
      <Definition slo={slo} />
    </div>
  );
}

interface HeadProps {
  slo: Slo;
  group: SloGroup | null;
  onGroup: (labels: string) => void;
}

function Head({ slo, group, onGroup }: HeadProps) {
  const { zone, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  const state = group && burnState(group, slo.tiers);
  const projection = group && projectionOf(group);
  const bad = badFilter(slo);
  return (
    <header className={styles.head}>
      <div className={styles.titleLine}>
        <h2 className="ellipsis">{slo.title}</h2>
        {state && <SloState state={state} />}
        {slo.groups.length > 1 && (
          <select
            className="input"
            aria-label="Group"
            value={JSON.stringify(group?.labels)}
            onChange={(event) => onGroup(event.target.value)}
          >
            {slo.groups.map(({ labels }) => (
              <option key={JSON.stringify(labels)} value={JSON.stringify(labels)}>
                {Object.entries(labels)
                  .map(([name, value]) => `${name}=${value}`)
                  .join(", ")}
              </option>
            ))}
          </select>
        )}
        <span className="grow" />
        {bad && (
          <Link
            to="/explain"
            search={{
              ...timeSearch,
              source: bad.signal === "logs" ? "logs" : undefined,
              q: bad.total || undefined,
              select: bad.bad,
            }}
            className="button"
          >
            <Split size={14} aria-hidden /> Explain
          </Link>
        )}
        {slo.origin.kind === "api" && (
          <>
            <Link to="/slos/new" search={{ source: slo.id }} className="button">
              <Pencil size={14} aria-hidden /> Edit
            </Link>
            <Remove slo={slo} />
          </>
        )}
      </div>
      <p className="muted">
        {slo.service && (
          <>
            <Link to="/services/$name" params={{ name: slo.service }} search={timeSearch}>
              <ServiceName name={slo.service} />
            </Link>{" "}
          </>
        )}
        {slo.written ?? formatObjective(slo.objective)} over {slo.window}
        {slo.window.endsWith("d") ? ", rolling" : ", by the calendar"}
        {slo.method.kind === "slices" && `, in slices of ${formatSpan(slo.method.slice_secs)}`}
      </p>
      {group && projection && (
        <>
          <p className={styles.sentence} data-tone={projection.tone}>
            {projection.sentence}
          </p>
          <p className="muted">{group.sentence}</p>
          <div className={styles.tiles}>
            <Tile
              name={`Good, of ${formatObjective(slo.objective)} promised`}
              value={group.sli === null ? "–" : formatSli(group.sli, slo.objective)}
              tone={group.sli !== null && group.sli < slo.objective ? "bad" : "plain"}
            />
            <Tile name="Budget left" value={<BudgetBar group={group} />} />
            <Tile
              name={slo.method.kind === "slices" ? "Bad slices" : "Bad events"}
              value={formatCount(Math.round(group.bad))}
              note={`of ${formatCount(Math.round(group.total))}`}
            />
            <Tile
              name="Window"
              value={formatSpan(group.length_secs)}
              note={observed(group) || `since ${formatInstant(group.since_ms, zone, false)}`}
            />
            {group.last_event_ms !== null && (
              <Tile name="Last event" value={formatRelative(group.last_event_ms, asOfMilli)} />
            )}
          </div>
        </>
      )}
    </header>
  );
}

function Remove({ slo }: { slo: Slo }) {
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const navigate = useNavigate();
  const client = useQueryClient();
  const remove = async () => {
    try {
      await removeSlo(slo.id);
      await client.invalidateQueries({ queryKey: ["slos"] });
      void navigate({ to: "/slos", search: {} });
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
  };
  return (
    <>
      <button type="button" className="button icon" aria-label="Delete" title="Delete" onClick={() => setAsked(true)}>
        <Trash2 size={14} aria-hidden />
      </button>
      {asked && (
        <Dialog
          title={`Delete ${slo.title}?`}
          onClose={() => setAsked(false)}
          footer={
            <>
              <button type="button" className="button" onClick={() => setAsked(false)}>
                Keep it
              </button>
              <button type="button" className="button primary" onClick={() => void remove()}>
                Delete the objective
              </button>
            </>
          }
        >
          <p className={styles.pad}>
            Its alerts go with it. What was counted stays, and counts again if it is made anew.
          </p>
          {error && <ErrorBox error={error} />}
        </Dialog>
      )}
    </>
  );
}
