// How the answers are drawn: step, kind of line, axis, the period before; and taking them away as CSV or text.
import { BellPlus, Download, ImageDown } from "lucide-react";
import { downloadImage } from "../../charts/image.ts";
import { toCsv } from "../../charts/series.ts";
import { AddToDashboard } from "../../components/AddToDashboard.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { download } from "../../lib/download.ts";
import { PlainLink } from "../../lib/PlainLink.tsx";
import type { Range } from "../../lib/time/range.ts";
import { useView } from "../../lib/view.ts";
import { type Answer, toChart } from "./lines.ts";
import styles from "./MetricsPage.module.css";
import { autoStep } from "./step.ts";

export interface ExploreToolsProps {
  tab: string;
  range: Range;
  answers: readonly Answer[];
  texts: readonly (string | null)[];
}

const STEPS = ["5s", "15s", "30s", "1m", "5m", "15m", "1h"];
const MODES: readonly [string, string][] = [
  ["", "lines"],
  ["area", "areas"],
  ["stack", "stacked"],
  ["bars", "bars"],
  ["points", "points"],
];
const BEFORE: readonly [string, string][] = [
  ["", "compare to …"],
  ["1h", "1 h before"],
  ["1d", "a day before"],
  ["7d", "a week before"],
];

export function ExploreTools({ tab, range, answers, texts }: ExploreToolsProps) {
  const { search, patch } = useView();
  const first = texts.find((text) => text !== null && text !== "");
  const save = () => {
    const { times, lines } = toChart(answers, 0, Number.POSITIVE_INFINITY);
    download("metrics.csv", toCsv(times, lines), "text/csv");
  };
  return (
    <div className={styles.tools}>
      {(tab === "graph" || tab === "heat") && (
        <select
          className="input"
          aria-label="Step"
          value={search.step ?? ""}
          onChange={(event) => patch({ step: event.target.value || undefined })}
        >
          <option value="">step: auto ({autoStep(range)} s)</option>
          {STEPS.map((step) => (
            <option key={step} value={step}>
              step: {step}
            </option>
          ))}
        </select>
      )}
      {tab === "graph" && (
        <>
          <select
            className="input"
            aria-label="Drawn as"
            value={search.mode ?? ""}
            onChange={(event) => patch({ mode: event.target.value || undefined })}
          >
            {MODES.map(([mode, title]) => (
              <option key={mode} value={mode}>
                {title}
              </option>
            ))}
          </select>
          <select
            className="input"
            aria-label="Compare to"
            value={search.prev ?? ""}
            onChange={(event) => patch({ prev: event.target.value || undefined })}
          >
            {BEFORE.map(([shift, title]) => (
              <option key={shift} value={shift}>
                {title}
              </option>
            ))}
          </select>
          <button
            type="button"
            className="button small"
            aria-pressed={search.log === "1"}
            title="Logarithmic axis"
            onClick={() => patch({ log: search.log === "1" ? undefined : "1" })}
          >
            log
          </button>
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Download as CSV"
            title="Download as CSV"
            disabled={answers.length === 0}
            onClick={save}
          >
            <Download size={14} aria-hidden />
          </button>
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Download as PNG"
            title="Download as PNG"
            disabled={answers.length === 0}
            onClick={() =>
              downloadImage(document.querySelector("[data-chart]"), first ?? "chart", toChart(answers, 0).lines)
            }
          >
            <ImageDown size={14} aria-hidden />
          </button>
        </>
      )}
      {first && <AddToDashboard expr={first} title={first} />}
      {first && (
        <PlainLink
          path="alerts/rules/new"
          search={{ expr: first }}
          className="button quiet small icon"
          aria-label="Make a rule of this query"
          title="Make a rule of this query"
        >
          <BellPlus size={14} aria-hidden />
        </PlainLink>
      )}
      <CopyButton text={texts.filter(Boolean).join("\n")} label="Copy PromQL" />
    </div>
  );
}
