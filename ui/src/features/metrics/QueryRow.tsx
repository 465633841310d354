// One query of the explore page: its name, text, legend, whether it is shown, and the form that edits the same text.
import { Blocks, Eye, EyeOff, X } from "lucide-react";
import { type Ref, useEffect, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { highlightPromql, type promqlCompleter } from "../../components/promql-language.ts";
import { QueryInput, type QueryInputHandle } from "../../components/QueryInput.tsx";
import { BuilderForm } from "./BuilderForm.tsx";
import { readBuilt, writeBuilt } from "./builder.ts";
import styles from "./QueryRow.module.css";
import type { Query } from "./queries.ts";

export interface QueryRowProps {
  query: Query;
  /** The only query has no name to show and cannot be removed. */
  alone: boolean;
  error: Error | null;
  complete: ReturnType<typeof promqlCompleter>;
  onChange: (query: Query) => void;
  onRemove: () => void;
  inputRef?: Ref<QueryInputHandle>;
}

export function QueryRow({ query, alone, error, complete, onChange, onRemove, inputRef }: QueryRowProps) {
  const [draft, setDraft] = useState(query.text);
  const [asForm, setAsForm] = useState(false);
  useEffect(() => setDraft(query.text.trim()), [query.text]);
  const built = readBuilt(draft);
  const errorAt = error instanceof ApiError && draft === query.text ? error.facts.position : undefined;
  const run = (text: string) => onChange({ ...query, text: text.trim() });
  return (
    <div className={styles.row}>
      <div className={styles.line}>
        <button
          type="button"
          className={styles.name}
          aria-pressed={query.shown}
          disabled={alone}
          title={query.shown ? `Hide ${query.name}` : `Show ${query.name}`}
          onClick={() => onChange({ ...query, shown: !query.shown })}
        >
          {query.name}
          {!alone && (query.shown ? <Eye size={11} aria-hidden /> : <EyeOff size={11} aria-hidden />)}
        </button>
        <QueryInput
          {...(inputRef ? { ref: inputRef } : {})}
          value={draft}
          onChange={setDraft}
          onRun={run}
          label={`PromQL query ${query.name}`}
          placeholder={
            alone ? "sum by (service) (rate(http_requests_total[5m]))" : "PromQL, or a formula such as A / B"
          }
          highlight={highlightPromql}
          complete={complete}
          errorAt={errorAt}
        />
        <input
          className={`input ${styles.legend}`}
          value={query.legend}
          placeholder="legend: {{service}}"
          aria-label={`Legend of ${query.name}`}
          spellCheck={false}
          onChange={(event) => onChange({ ...query, legend: event.target.value })}
        />
        <button
          type="button"
          className="button icon"
          aria-pressed={asForm}
          aria-label="Build with a form"
          title="Build with a form"
          onClick={() => setAsForm(!asForm)}
        >
          <Blocks size={14} aria-hidden />
        </button>
        {!alone && (
          <button
            type="button"
            className="button quiet icon"
            aria-label={`Remove ${query.name}`}
            title={`Remove ${query.name}`}
            onClick={onRemove}
          >
            <X size={14} aria-hidden />
          </button>
        )}
      </div>
      {asForm &&
        (built ? (
          <BuilderForm
            id={`build-${query.name}`}
            built={built}
            onChange={(next) => {
              const text = writeBuilt(next);
              setDraft(text);
              // A condition that is not finished would find nothing.
              if (next.metric && next.conditions.every((each) => each.label && each.value)) run(text);
            }}
          />
        ) : (
          <p className={styles.note}>The text says more than the form can; it stays as it is.</p>
        ))}
    </div>
  );
}
