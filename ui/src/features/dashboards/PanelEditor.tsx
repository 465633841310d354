// Editing one panel: a live picture, and beside it its fields or its JSON. Every field is a key of the document.
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { fetchMetadata } from "../../api/prometheus.ts";
import { highlightPromql, promqlCompleter } from "../../components/promql-language.ts";
import { QueryInput } from "../../components/QueryInput.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import type { Range } from "../../lib/time/range.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Dashboard.module.css";
import { replacePanel, setPanel } from "./edits.ts";
import type { Values } from "./interpolate.ts";
import { appendTo, type Path, removeAt, textAt } from "./json-text.ts";
import type { Panel } from "./model.ts";
import { PanelFrame } from "./PanelFrame.tsx";
import { UNIT_NAMES } from "./units.ts";

export interface PanelEditorProps {
  panel: Panel;
  text: string;
  range: Range;
  values: Values;
  onChange: (text: string) => void;
  onClose: () => void;
}

const TYPES = ["graph", "stat", "gauge", "bargauge", "table", "heatmap", "text"] as const;

export function PanelEditor({ panel, text, range, values, onChange, onClose }: PanelEditorProps) {
  const [tab, setTab] = useState<"fields" | "json">("fields");
  return (
    <div className={styles.editor}>
      <div className={styles.preview}>
        <div className={styles.editorHead}>
          <button type="button" className="button" onClick={onClose}>
            <ArrowLeft size={14} aria-hidden /> Back to the dashboard
          </button>
        </div>
        <div className={styles.previewBox}>
          <PanelFrame
            panel={panel}
            range={range}
            values={values}
            focused={false}
            moving={false}
            full
            actions={{ full: () => {}, inspect: () => {} }}
            onFocus={() => {}}
          />
        </div>
      </div>
      <aside className={styles.form} aria-label="Panel">
        <Tabs
          label="Edit as"
          tabs={[
            { id: "fields", title: "Fields" },
            { id: "json", title: "JSON" },
          ]}
          current={tab}
          onChange={setTab}
        />
        {tab === "fields" ? (
          <Fields panel={panel} text={text} onChange={onChange} />
        ) : (
          <JsonField key={panel.path.join(".")} panel={panel} text={text} onChange={onChange} />
        )}
      </aside>
    </div>
  );
}

interface FieldsProps {
  panel: Panel;
  text: string;
  onChange: (text: string) => void;
}

function Fields({ panel, text, onChange }: FieldsProps) {
  const set = (path: Path, value: unknown) => onChange(setPanel(text, panel, path, value));
  const has = (path: Path) => textAt(text, [...panel.path, ...path]) !== null;
  // Grafana's documents have these in `fieldConfig`; the plain form has them in the panel.
  const field = (name: string): Path => (has(["fieldConfig", "defaults"]) ? ["fieldConfig", "defaults", name] : [name]);
  const number = (value: string) => (value.trim() === "" || Number.isNaN(Number(value)) ? undefined : Number(value));
  return (
    <div className={styles.fields}>
      <label className={styles.field}>
        <span>Title</span>
        <input className="input" value={panel.title} onChange={(event) => set(["title"], event.target.value)} />
      </label>
      <label className={styles.field}>
        <span>Description</span>
        <input
          className="input"
          value={panel.description}
          onChange={(event) => set(["description"], event.target.value)}
        />
      </label>
      <label className={styles.field}>
        <span>Shown as</span>
        <select
          className="input"
          value={panel.type === "timeseries" ? "graph" : panel.type}
          onChange={(event) => set(["type"], event.target.value)}
        >
          {TYPES.map((type) => (
            <option key={type} value={type}>
              {type}
            </option>
          ))}
          {!TYPES.some((type) => type === panel.type) && panel.type !== "timeseries" && (
            <option value={panel.type}>{panel.type}</option>
          )}
        </select>
      </label>
      {panel.kind === "text" ? (
        <label className={styles.field}>
          <span>Text (Markdown)</span>
          <textarea
            className={styles.area}
            rows={12}
            value={panel.text}
            onChange={(event) => set(has(["options"]) ? ["options", "content"] : ["content"], event.target.value)}
          />
        </label>
      ) : (
        <Queries panel={panel} text={text} onChange={onChange} />
      )}
      <div className={styles.pair}>
        <label className={styles.field}>
          <span>Unit</span>
          <input
            className="input"
            list="panel-units"
            placeholder="from the metric"
            value={panel.unit}
            onChange={(event) => set(field("unit"), event.target.value)}
          />
          <datalist id="panel-units">
            {UNIT_NAMES.filter(Boolean).map((unit) => (
              <option key={unit} value={unit} />
            ))}
          </datalist>
        </label>
        <label className={styles.field}>
          <span>Decimals</span>
          <input
            className="input"
            inputMode="numeric"
            placeholder="auto"
            value={panel.decimals ?? ""}
            onChange={(event) => set(field("decimals"), number(event.target.value))}
          />
        </label>
      </div>
      <div className={styles.pair}>
        <label className={styles.field}>
          <span>Smallest</span>
          <input
            className="input"
            inputMode="decimal"
            placeholder="auto"
            defaultValue={panel.min ?? ""}
            onBlur={(event) => set(field("min"), number(event.target.value))}
          />
        </label>
        <label className={styles.field}>
          <span>Largest</span>
          <input
            className="input"
            inputMode="decimal"
            placeholder="auto"
            defaultValue={panel.max ?? ""}
            onBlur={(event) => set(field("max"), number(event.target.value))}
          />
        </label>
      </div>
      {panel.kind === "timeseries" && (
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={panel.stacked}
            onChange={(event) => set(["stack"], event.target.checked || undefined)}
          />
          Stack the series
        </label>
      )}
      <Thresholds
        panel={panel}
        onChange={(value) => set(field("thresholds"), value)}
        nested={has(["fieldConfig", "defaults"])}
      />
    </div>
  );
}

function Queries({ panel, text, onChange }: FieldsProps) {
  const { range } = useTime();
  const metadata = useQuery({ queryKey: ["metadata"], queryFn: ({ signal }) => fetchMetadata(signal), retry: false });
  const complete = useMemo(() => promqlCompleter({ range, metadata: metadata.data ?? {} }), [range, metadata.data]);
  const path: Path = [...panel.path, "targets"];
  const raw: unknown = JSON.parse(textAt(text, path) ?? "[]");
  const targets = Array.isArray(raw) ? raw : [];
  const at = (index: number, key: string, value: unknown) =>
    onChange(setPanel(text, panel, ["targets", index, key], value));
  return (
    <fieldset className={styles.queries}>
      <legend>Queries</legend>
      {targets.map((target: { expr?: string; legendFormat?: string }, index) => (
        <div key={index} className={styles.query}>
          <QueryInput
            label={`PromQL of query ${index + 1}`}
            placeholder="sum by (service) (rate(http_requests_total[5m]))"
            value={target.expr ?? ""}
            onChange={(expr) => at(index, "expr", expr || " ")}
            onRun={(expr) => at(index, "expr", expr || " ")}
            highlight={highlightPromql}
            complete={complete}
          />
          <div className={styles.legendRow}>
            <input
              className="input"
              placeholder="Legend, such as {{service}}"
              aria-label={`Legend of query ${index + 1}`}
              value={target.legendFormat ?? ""}
              onChange={(event) => at(index, "legendFormat", event.target.value)}
            />
            <button
              type="button"
              className="button quiet icon"
              aria-label={`Remove query ${index + 1}`}
              onClick={() => onChange(removeAt(text, [...path, index]))}
            >
              <Trash2 size={14} aria-hidden />
            </button>
          </div>
        </div>
      ))}
      <button
        type="button"
        className="button small"
        onClick={() =>
          onChange(
            textAt(text, path) === null
              ? setPanel(text, panel, ["targets"], [{ expr: "up", legendFormat: "" }])
              : appendTo(text, path, { expr: "up", legendFormat: "" }),
          )
        }
      >
        <Plus size={13} aria-hidden /> Query
      </button>
    </fieldset>
  );
}

const COLOURS = [
  ["ok", "green"],
  ["warn", "orange"],
  ["error", "red"],
] as const;

function Thresholds({
  panel,
  nested,
  onChange,
}: {
  panel: Panel;
  nested: boolean;
  onChange: (value: unknown) => void;
}) {
  const write = (steps: Panel["thresholds"]) => {
    const list = steps.map((step) => ({
      value: step.value,
      color: COLOURS.find(([ours]) => ours === step.colour)?.[1] ?? step.colour,
    }));
    onChange(list.length === 0 ? undefined : nested ? { mode: "absolute", steps: list } : list);
  };
  return (
    <fieldset className={styles.queries}>
      <legend>Thresholds</legend>
      {panel.thresholds.map((threshold, index) => (
        <div key={index} className={styles.threshold}>
          <span className="faint">from</span>
          <input
            className="input"
            inputMode="decimal"
            aria-label={`Value of threshold ${index + 1}`}
            placeholder="lowest"
            defaultValue={threshold.value ?? ""}
            onBlur={(event) => {
              const value = event.target.value.trim() === "" ? null : Number(event.target.value);
              if (value === null || Number.isFinite(value))
                write(panel.thresholds.map((each, at) => (at === index ? { ...each, value } : each)));
            }}
          />
          <select
            className="input"
            aria-label={`Colour of threshold ${index + 1}`}
            value={threshold.colour}
            onChange={(event) =>
              write(panel.thresholds.map((each, at) => (at === index ? { ...each, colour: event.target.value } : each)))
            }
          >
            {COLOURS.map(([ours, name]) => (
              <option key={ours} value={ours}>
                {name}
              </option>
            ))}
            {!COLOURS.some(([ours]) => ours === threshold.colour) && (
              <option value={threshold.colour}>{threshold.colour}</option>
            )}
          </select>
          <button
            type="button"
            className="button quiet icon"
            aria-label={`Remove threshold ${index + 1}`}
            onClick={() => write(panel.thresholds.filter((_, at) => at !== index))}
          >
            <Trash2 size={14} aria-hidden />
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button small"
        onClick={() =>
          write([
            ...panel.thresholds,
            { value: panel.thresholds.length === 0 ? null : 1, colour: panel.thresholds.length === 0 ? "ok" : "error" },
          ])
        }
      >
        <Plus size={13} aria-hidden /> Threshold
      </button>
    </fieldset>
  );
}

function JsonField({ panel, text, onChange }: FieldsProps) {
  const [draft, setDraft] = useState(() => textAt(text, panel.path) ?? "{}");
  const [problem, setProblem] = useState<string | null>(null);
  const apply = () => {
    try {
      const json: unknown = JSON.parse(draft);
      if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Error("a panel is a JSON object");
      setProblem(null);
      onChange(replacePanel(text, panel, json));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className={styles.fields}>
      <textarea
        className={styles.area}
        rows={26}
        spellCheck={false}
        aria-label="JSON of the panel"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={apply}
      />
      {problem && (
        <p role="alert" className={styles.problem}>
          {problem}
        </p>
      )}
      <button type="button" className="button" onClick={apply}>
        Apply
      </button>
    </div>
  );
}
