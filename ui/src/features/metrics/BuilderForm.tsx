// The query as a form. Every choice writes the text of the query; the text is what is run.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { fetchLabelNames, fetchLabelValues, fetchMetricNames } from "../../api/prometheus.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./BuilderForm.module.css";
import { AGGREGATIONS, type Built, type Condition, RANGE_FUNCTIONS } from "./builder.ts";

const WINDOWS = ["1m", "2m", "5m", "10m", "15m", "30m", "1h"];
const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

export interface BuilderFormProps {
  id: string;
  built: Built;
  onChange: (built: Built) => void;
}

export function BuilderForm({ id, built, onChange }: BuilderFormProps) {
  const { range } = useTime();
  const set = (change: Partial<Built>) => onChange({ ...built, ...change });
  const metrics = useQuery({
    queryKey: ["metric-names", range],
    queryFn: ({ signal }) => fetchMetricNames(range, signal),
    placeholderData: keepPreviousData,
  });
  const labels = useQuery({
    queryKey: ["label-names", built.metric, range],
    enabled: built.metric !== "",
    queryFn: ({ signal }) => fetchLabelNames(built.metric, range, signal),
    placeholderData: keepPreviousData,
  });
  const names = (labels.data ?? []).filter((name) => name !== "__name__");
  const condition = (at: number, change: Partial<Condition>) =>
    set({ conditions: built.conditions.map((each, place) => (place === at ? { ...each, ...change } : each)) });
  return (
    <div className={styles.form}>
      <label>
        metric
        <input
          className={`input ${styles.metric}`}
          list={`${id}-metrics`}
          value={built.metric}
          spellCheck={false}
          onChange={(event) => set({ metric: event.target.value })}
        />
        <datalist id={`${id}-metrics`}>
          {(metrics.data ?? []).slice(0, 500).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      {built.conditions.map((each, at) => (
        <span key={at} className={styles.condition}>
          <select
            className="input"
            aria-label="Label"
            value={each.label}
            onChange={(event) => condition(at, { label: event.target.value, value: "" })}
          >
            <option value="">label</option>
            {[...new Set([...(each.label ? [each.label] : []), ...names])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <select
            className="input"
            aria-label="Operator"
            value={each.operator}
            onChange={(event) => condition(at, { operator: event.target.value as Condition["operator"] })}
          >
            {["=", "!=", "=~", "!~"].map((operator) => (
              <option key={operator}>{operator}</option>
            ))}
          </select>
          <Value
            id={`${id}-${at}`}
            metric={built.metric}
            condition={each}
            onChange={(value) => condition(at, { value })}
          />
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Remove the condition"
            onClick={() => set({ conditions: built.conditions.filter((_, place) => place !== at) })}
          >
            <X size={12} aria-hidden />
          </button>
        </span>
      ))}
      <button
        type="button"
        className="button small"
        onClick={() => set({ conditions: [...built.conditions, { label: "", operator: "=", value: "" }] })}
      >
        <Plus size={12} aria-hidden /> condition
      </button>
      <label>
        over time
        <select className="input" value={built.fn} onChange={(event) => set({ fn: event.target.value as Built["fn"] })}>
          <option value="">as it is</option>
          {RANGE_FUNCTIONS.map((fn) => (
            <option key={fn}>{fn}</option>
          ))}
        </select>
      </label>
      {built.fn && (
        <label>
          of
          <select className="input" value={built.window} onChange={(event) => set({ window: event.target.value })}>
            {[...new Set([built.window, ...WINDOWS])].map((window) => (
              <option key={window}>{window}</option>
            ))}
          </select>
        </label>
      )}
      <label>
        together as
        <select
          className="input"
          value={built.aggregation}
          onChange={(event) =>
            set({ aggregation: event.target.value as Built["aggregation"], ...(event.target.value ? {} : { by: [] }) })
          }
        >
          <option value="">single series</option>
          {AGGREGATIONS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {built.aggregation && (
        <span className={styles.condition}>
          by
          {built.by.map((name) => (
            <button
              key={name}
              type="button"
              className={styles.chip}
              title={`Not by ${name}`}
              onClick={() => set({ by: built.by.filter((each) => each !== name) })}
            >
              {name} <X size={11} aria-hidden />
            </button>
          ))}
          <select
            className="input"
            aria-label="By another label"
            value=""
            onChange={(event) => event.target.value && set({ by: [...built.by, event.target.value] })}
          >
            <option value="">{built.by.length > 0 ? "and …" : "label"}</option>
            {names
              .filter((name) => !built.by.includes(name) && name !== "le")
              .map((name) => (
                <option key={name}>{name}</option>
              ))}
          </select>
        </span>
      )}
      {(built.metric.endsWith("_bucket") || built.quantile !== null) && (
        <label>
          quantile
          <select
            className="input"
            value={built.quantile ?? ""}
            onChange={(event) =>
              set(
                event.target.value === ""
                  ? { quantile: null }
                  : {
                      quantile: Number(event.target.value),
                      fn: built.fn || "rate",
                      aggregation: built.aggregation || "sum",
                    },
              )
            }
          >
            <option value="">none</option>
            {[...new Set([...(built.quantile === null ? [] : [built.quantile]), ...QUANTILES])].map((quantile) => (
              <option key={quantile} value={quantile}>
                {quantile}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

interface ValueProps {
  id: string;
  metric: string;
  condition: Condition;
  onChange: (value: string) => void;
}

function Value({ id, metric, condition, onChange }: ValueProps) {
  const { range } = useTime();
  const values = useQuery({
    queryKey: ["label-values", condition.label, metric, range],
    enabled: condition.label !== "",
    queryFn: ({ signal }) => fetchLabelValues(condition.label, metric || undefined, range, signal),
  });
  return (
    <>
      <input
        className={`input ${styles.value}`}
        aria-label={`Value of ${condition.label || "the label"}`}
        list={id}
        value={condition.value}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={id}>
        {(values.data ?? []).slice(0, 200).map((value) => (
          <option key={value} value={value} />
        ))}
      </datalist>
    </>
  );
}
