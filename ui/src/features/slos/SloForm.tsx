// The fields of an objective.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchMetadata } from "../../api/prometheus.ts";
import { fetchServices } from "../../api/services.ts";
import { filterCompleter, highlightFilter } from "../../components/filter-language.ts";
import { highlightPromql, promqlCompleter } from "../../components/promql-language.ts";
import { QueryInput } from "../../components/QueryInput.tsx";
import { formatSpan } from "../../lib/budget.ts";
import { useTime } from "../../lib/view.ts";
import { type Draft, idOf } from "./draft.ts";
import styles from "./Slos.module.css";

const KINDS: readonly { id: Draft["kind"]; title: string }[] = [
  { id: "ratio", title: "Availability: bad or good of all, from counters" },
  { id: "latency", title: "Latency: at most a threshold, from a histogram" },
  { id: "events", title: "Records: spans or logs that are bad" },
  { id: "up", title: "Uptime: samples that are not 0" },
];
const WINDOWS = ["1d", "7d", "28d", "30d", "90d", "day", "week", "month", "quarter", "year"];
const MONTH_SECS = 30 * 86_400;

export interface SloFormProps {
  draft: Draft;
  idFixed: boolean;
  onChange: (draft: Draft) => void;
}

export function SloForm({ draft, idFixed, onChange }: SloFormProps) {
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change });
  const { range } = useTime();
  const services = useQuery({ queryKey: ["services", range], queryFn: ({ signal }) => fetchServices(range, signal) });
  const objective = Number(draft.objective);
  return (
    <>
      <label className={styles.field}>
        <span>Title</span>
        <input
          className="input"
          value={draft.title}
          placeholder="Checkout works"
          onChange={(event) => set({ title: event.target.value })}
        />
      </label>
      <div className={styles.pair}>
        <label className={styles.field}>
          <span>Id, in names of series and alerts</span>
          <input
            className="input mono"
            value={draft.id || idOf(draft.title)}
            disabled={idFixed}
            spellCheck={false}
            onChange={(event) => set({ id: event.target.value.replaceAll(/[^\w-]/g, "_") })}
          />
        </label>
        <label className={styles.field}>
          <span>Service</span>
          <input
            className="input"
            list="slo-services"
            value={draft.service}
            onChange={(event) => set({ service: event.target.value })}
          />
          <datalist id="slo-services">
            {(services.data?.value.services ?? []).map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </label>
      </div>
      <label className={styles.field}>
        <span>What is counted</span>
        <select
          className="input"
          value={draft.kind}
          onChange={(event) => set({ kind: KINDS.find(({ id }) => id === event.target.value)?.id ?? "ratio" })}
        >
          {KINDS.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <Counted draft={draft} set={set} />
      <div className={styles.pair}>
        <label className={styles.field}>
          <span>Objective, in percent</span>
          <input
            className="input"
            inputMode="decimal"
            value={draft.objective}
            onChange={(event) => set({ objective: event.target.value })}
          />
        </label>
        <label className={styles.field}>
          <span>Window</span>
          <select className="input" value={draft.window} onChange={(event) => set({ window: event.target.value })}>
            {(WINDOWS.includes(draft.window) ? WINDOWS : [draft.window, ...WINDOWS]).map((window) => (
              <option key={window} value={window}>
                {window} ({window.endsWith("d") ? "rolling" : "calendar"})
              </option>
            ))}
          </select>
        </label>
      </div>
      <label className={styles.field}>
        <span>
          {Number.isFinite(objective) && objective < 100
            ? `allows ${formatSpan((1 - objective / 100) * MONTH_SECS)} of outage in 30 d, ${Math.round((1 - objective / 100) * 1e6).toLocaleString("en")} of a million events`
            : "below 100 %"}
        </span>
        {/* Equal steps for each further nine: 90 %, 99 %, 99.9 %, 99.99 %. */}
        <input
          type="range"
          className={styles.slider}
          aria-label="Objective"
          min={1}
          max={4}
          step={0.05}
          value={
            Number.isFinite(objective) ? Math.min(4, Math.max(1, -Math.log10(Math.max(1e-5, 1 - objective / 100)))) : 3
          }
          onChange={(event) => set({ objective: percentOf(Number(event.target.value)) })}
        />
      </label>
      <div className={styles.pair}>
        <label className={styles.field}>
          <span>A budget for each (labels, optional)</span>
          <input
            className="input mono"
            placeholder="route"
            value={draft.groupBy}
            spellCheck={false}
            onChange={(event) => set({ groupBy: event.target.value })}
          />
        </label>
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={draft.alerting}
            onChange={(event) => set({ alerting: event.target.checked })}
          />
          Alert when it burns too fast
        </label>
      </div>
    </>
  );
}

/** Of the number of nines, rounded so that it can be said: 99.5, 99.9, 99.95. */
function percentOf(nines: number): string {
  const share = 10 ** -nines;
  const digits = Math.max(0, Math.ceil(nines) - 1);
  return String(Number((100 - share * 100).toFixed(digits)));
}

function Counted({ draft, set }: { draft: Draft; set: (change: Partial<Draft>) => void }) {
  const { range } = useTime();
  const metadata = useQuery({ queryKey: ["metadata"], queryFn: ({ signal }) => fetchMetadata(signal), retry: false });
  const promql = useMemo(() => promqlCompleter({ range, metadata: metadata.data ?? {} }), [range, metadata.data]);
  const filter = useMemo(() => filterCompleter(draft.signal, range), [draft.signal, range]);
  const input = (
    label: string,
    key: "part" | "total" | "histogram" | "metric",
    placeholder: string,
    events = false,
  ) => (
    <div className={styles.field}>
      <span>{label}</span>
      <QueryInput
        label={label}
        placeholder={placeholder}
        value={draft[key]}
        onChange={(value) => set({ [key]: value })}
        onRun={(value) => set({ [key]: value.trim() })}
        highlight={events ? highlightFilter : highlightPromql}
        complete={events ? filter : promql}
      />
    </div>
  );
  switch (draft.kind) {
    case "ratio":
      return (
        <>
          <fieldset className={styles.check}>
            <legend className="sr-only">The first selector counts</legend>
            {(["bad", "good"] as const).map((counts) => (
              <label key={counts} className={styles.check}>
                <input type="radio" name="counts" checked={draft.counts === counts} onChange={() => set({ counts })} />
                {counts} events
              </label>
            ))}
          </fieldset>
          {input(`Counter of the ${draft.counts} ones`, "part", 'http_requests_total{status=~"5.."}')}
          {input("Counter of all", "total", "http_requests_total")}
        </>
      );
    case "latency":
      return (
        <>
          {input("Histogram, without _bucket", "histogram", "http_request_duration_seconds")}
          <label className={styles.field}>
            <span>Good up to</span>
            <input
              className="input mono"
              value={draft.threshold}
              onChange={(event) => set({ threshold: event.target.value })}
            />
          </label>
        </>
      );
    case "up":
      return input("Metric", "metric", 'up{job="api"}');
    case "events":
      return (
        <>
          <label className={styles.field}>
            <span>Of</span>
            <select
              className="input"
              value={draft.signal}
              onChange={(event) => set({ signal: event.target.value === "logs" ? "logs" : "traces" })}
            >
              <option value="traces">spans</option>
              <option value="logs">log records</option>
            </select>
          </label>
          {input("Which count", "total", "service:api kind:server", true)}
          {input("Which of them are bad", "part", "status:error", true)}
        </>
      );
  }
}
