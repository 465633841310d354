// What a panel asked and got: queries after variables, times, counts, notes, and the raw answer.

import { useState } from "react";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Pre } from "../../components/Pre.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import styles from "./Dashboard.module.css";
import { scoped, type Values } from "./interpolate.ts";
import type { Panel } from "./model.ts";
import { formatSeconds } from "./seconds.ts";
import { usePanelData } from "./usePanelData.ts";

const RAW_CHARS = 60_000;

export interface InspectDialogProps {
  panel: Panel;
  range: Range;
  values: Values;
  onClose: () => void;
}

export function InspectDialog({ panel, range, values, onClose }: InspectDialogProps) {
  const data = usePanelData(panel, range, scoped(values, panel.scope), true);
  const [raw, setRaw] = useState(false);
  const json = JSON.stringify(data.answers, null, 1);
  return (
    <Dialog title={`Inspect: ${panel.title}`} wide onClose={onClose}>
      <div className={styles.inspect}>
        {data.exprs.map((expr, index) => {
          const answer = data.answers[index];
          const samples = answer?.series.reduce((sum, series) => sum + series.values.length, 0) ?? 0;
          return (
            <section key={expr + index}>
              <h3>
                Query {panel.targets[index]?.refId}
                <CopyButton text={expr} label="Copy the query" />
              </h3>
              <Pre className={styles.code}>{expr}</Pre>
              <p className="muted">
                {answer
                  ? `${plural(answer.totalSeries, "series").replace(/ss$/, "s")}, ${formatCount(samples)} values, ${formatDuration(answer.elapsedMs * 1e6)}, step ${formatSeconds(values.stepSeconds)}`
                  : (data.error?.message ?? "asking")}
              </p>
              {answer?.warnings.map((warning) => (
                <p key={warning} className="badge warn">
                  {warning}
                </p>
              ))}
            </section>
          );
        })}
        <button type="button" className="button" aria-expanded={raw} onClick={() => setRaw(!raw)}>
          {raw ? "Hide the answer" : "Show the answer"}
        </button>
        {raw && (
          <>
            <CopyButton text={json} label="Copy the answer" withText />
            <Pre className={styles.code}>{json.slice(0, RAW_CHARS)}</Pre>
            {json.length > RAW_CHARS && (
              <p className="faint">cut after {formatCount(RAW_CHARS)} characters; copying takes all</p>
            )}
          </>
        )}
      </div>
    </Dialog>
  );
}
