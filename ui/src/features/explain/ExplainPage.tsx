// Explain: what tells a selection of records from the rest, attribute by attribute, the most telling first.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type ExplainQuery, type Explanation, fetchExplanation } from "../../api/explain.ts";
import type { FieldSignal } from "../../api/fields.ts";
import { CodeText } from "../../components/CodeText.tsx";
import { filterCompleter, highlightFilter } from "../../components/filter-language.ts";
import { NothingFound } from "../../components/NothingFound.tsx";
import { QueryInput } from "../../components/QueryInput.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, LimitBadge } from "../../components/States.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { type Range, resolveInstant } from "../../lib/time/range.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { AttributeCard } from "./AttributeCard.tsx";
import styles from "./Explain.module.css";

const SUGGESTIONS: Record<FieldSignal, readonly string[]> = {
  traces: ["status:error", "duration>1s", "http.response.status_code>=500"],
  logs: ["level>=error", "level:warn"],
};

export function ExplainPage() {
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const signal: FieldSignal = search.source === "logs" ? "logs" : "traces";
  const filter = search.q ?? "";
  const selection = search.select ?? "";
  const chosenFrom = resolveInstant(search.sfrom ?? "", asOfMilli);
  const chosenTo = resolveInstant(search.sto ?? "", asOfMilli);
  const query: ExplainQuery = {
    signal,
    range,
    filter,
    selection: {
      q: selection,
      range:
        chosenFrom !== null && chosenTo !== null && chosenFrom < chosenTo
          ? { fromMilli: chosenFrom, toMilli: chosenTo }
          : null,
    },
    baseline: search.against === "previous" ? "previous" : "rest",
  };
  const ready = selection !== "" || query.selection.range !== null || query.baseline === "previous";
  const queryKey = ["explain", query];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal: abort }) => fetchExplanation(query, abort),
    placeholderData: keepPreviousData,
    enabled: ready,
  });
  useReport({
    asOfMilli,
    elapsedMs: result.data?.stats?.elapsed_ms ?? null,
    rowsScanned: result.data?.stats?.rows_scanned ?? null,
    partial: result.data?.partial?.reason ?? null,
    notes: [],
    busy: result.isFetching,
  });
  return (
    <>
      <div className={styles.form}>
        <select
          className="input"
          aria-label="Records"
          value={signal}
          onChange={(event) => patch({ source: event.target.value === "logs" ? "logs" : undefined, select: undefined })}
        >
          <option value="traces">Spans</option>
          <option value="logs">Log records</option>
        </select>
        <Field
          label="among"
          signal={signal}
          range={range}
          value={filter}
          placeholder="everything"
          onRun={(next) => patch({ q: next || undefined })}
        />
        <Field
          label="explain those with"
          signal={signal}
          range={range}
          value={selection}
          placeholder="status:error"
          onRun={(next) => patch({ select: next || undefined })}
        />
        <select
          className="input"
          aria-label="Against"
          value={query.baseline}
          onChange={(event) => patch({ against: event.target.value === "previous" ? "previous" : undefined })}
        >
          <option value="rest">against the rest</option>
          <option value="previous">against the time before</option>
        </select>
      </div>
      {ready ? (
        <div className={styles.page}>
          <QueryState
            result={result}
            queryKey={queryKey}
            query={selection}
            partial={(data) => data.partial?.reason ?? null}
            isEmpty={(data) => data.selection.count === 0}
            empty={
              <NothingFound
                signal={signal}
                query={[filter, selection].filter(Boolean).join(" ")}
                onQuery={(next) => patch({ q: undefined, select: next || undefined })}
              />
            }
          >
            {(data) => <Answer explanation={data} query={query} />}
          </QueryState>
        </div>
      ) : (
        <Empty reason="none" title="What should be explained?">
          <p>
            A condition that some of the records meet. Bellrock shows by which attributes they differ from the others.
          </p>
          <ul className={styles.suggestions}>
            {SUGGESTIONS[signal].map((each) => (
              <li key={each}>
                <button type="button" className="button" onClick={() => patch({ select: each })}>
                  <code>{each}</code>
                </button>
              </li>
            ))}
          </ul>
        </Empty>
      )}
    </>
  );
}

function Answer({ explanation, query }: { explanation: Explanation; query: ExplainQuery }) {
  const timeSearch = useTimeSearch();
  const { selection, baseline, attributes, sampled, sentence } = explanation;
  const telling = attributes.filter((attribute) => attribute.significant);
  const others = attributes.filter((attribute) => !attribute.significant);
  const both = [query.filter, query.selection.q].filter(Boolean).join(" ");
  const to = query.signal === "logs" ? "/logs" : "/traces";
  return (
    <>
      <header className={styles.head}>
        <h2>{sentence ? <CodeText>{sentence}</CodeText> : "No attribute tells them apart more than chance would"}</h2>
        <p className="muted">
          <Link to={to} search={{ ...timeSearch, q: both }}>
            {formatCount(selection.count)} selected
          </Link>{" "}
          against {formatCount(baseline.count)}
          {sampled && (
            <>
              {" "}
              <LimitBadge>
                sampled: {formatCount(sampled.looked_at)} of {formatCount(sampled.of)}
              </LimitBadge>
            </>
          )}
        </p>
        <p className={styles.legend}>
          <span data-side="selection">selection</span>
          <span data-side="baseline">{query.baseline === "rest" ? "the rest" : "the time before"}</span>
        </p>
      </header>
      <ul className={styles.cards}>
        {telling.map((attribute) => (
          <AttributeCard
            key={attribute.key}
            attribute={attribute}
            selection={selection.count}
            baseline={baseline.count}
            records={{ to, search: { ...timeSearch, q: both } }}
          />
        ))}
      </ul>
      {others.length > 0 && (
        <details className={styles.others}>
          <summary>{plural(others.length, "attribute")} without a clear difference</summary>
          <ul className={styles.cards}>
            {others.map((attribute) => (
              <AttributeCard
                key={attribute.key}
                attribute={attribute}
                selection={selection.count}
                baseline={baseline.count}
                records={{ to, search: { ...timeSearch, q: both } }}
              />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

interface FieldProps {
  label: string;
  signal: FieldSignal;
  range: Range;
  value: string;
  placeholder: string;
  onRun: (text: string) => void;
}

function Field({ label, signal, range, value, placeholder, onRun }: FieldProps) {
  const [draft, setDraft] = useState(value);
  const [last, setLast] = useState(value);
  if (value !== last) {
    setLast(value);
    setDraft(value);
  }
  const complete = useMemo(() => filterCompleter(signal, range), [signal, range]);
  return (
    <fieldset
      className={styles.field}
      aria-label={label}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget) && draft.trim() !== value) onRun(draft.trim());
      }}
    >
      <span className="faint" aria-hidden>
        {label}
      </span>
      <QueryInput
        value={draft}
        onChange={setDraft}
        onRun={(text) => onRun(text.trim())}
        label={label}
        placeholder={placeholder}
        highlight={highlightFilter}
        complete={complete}
      />
    </fieldset>
  );
}
