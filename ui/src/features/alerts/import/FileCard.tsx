// One file of an import: what it is, what the server would take of it, every finding with its line beside the text.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CheckCircle2, X } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { findingsOf } from "../../../api/channels.ts";
import { ErrorBox, Skeleton } from "../../../components/States.tsx";
import { plural } from "../../../lib/number.ts";
import styles from "../Alerts.module.css";
import { FindingList } from "../FindingList.tsx";
import { checkFile } from "./check.ts";
import { detectKind, type FileKind, KIND_TITLES, KINDS } from "./detect.ts";
import own from "./Import.module.css";
import { type Taken, takeFile } from "./take.ts";

const LINES_MAX = 3000;

export interface FileCardProps {
  name: string;
  text: string;
  onRemove: () => void;
}

export function FileCard({ name, text, onRemove }: FileCardProps) {
  const client = useQueryClient();
  const detected = useMemo(() => detectKind(text), [text]);
  const [chosen, setChosen] = useState<FileKind | null>(null);
  const [open, setOpen] = useState(false);
  const [line, setLine] = useState(0);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [taken, setTaken] = useState<Taken | null>(null);
  const listing = useRef<HTMLOListElement>(null);
  const kind = chosen ?? detected;
  const report = useQuery({
    queryKey: ["import-check", kind, text],
    queryFn: ({ signal }) => checkFile(kind as FileKind, text, signal),
    enabled: kind !== null,
    retry: false,
    staleTime: 60_000,
  });
  const findings = report.data?.findings ?? [];
  const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
  const jump = (to: number) => {
    setOpen(true);
    setLine(to);
    requestAnimationFrame(() => listing.current?.children[to - 1]?.scrollIntoView({ block: "center" }));
  };
  const take = async () => {
    if (kind === null) return;
    setBusy(true);
    setError(null);
    try {
      setTaken(await takeFile(kind, text));
      await client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "import-check" });
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    }
    setBusy(false);
  };
  const worst = new Map<number, string>();
  for (const finding of findings) {
    const old = worst.get(finding.line);
    if (old === undefined || finding.severity === "error" || old === "info") worst.set(finding.line, finding.severity);
  }
  return (
    <section className={styles.section} aria-label={name}>
      <header>
        <h2>{name}</h2>
        <select
          className="input"
          aria-label={`What ${name} is`}
          value={kind ?? ""}
          onChange={(event) => setChosen(event.target.value as FileKind)}
        >
          {kind === null && <option value="">not recognised</option>}
          {KINDS.map((each) => (
            <option key={each} value={each}>
              {KIND_TITLES[each]}
            </option>
          ))}
        </select>
        {count("error") > 0 && <span className="badge error">{plural(count("error"), "error")}</span>}
        {count("warning") > 0 && <span className="badge warn">{plural(count("warning"), "warning")}</span>}
        {count("info") > 0 && <span className="badge">{plural(count("info"), "note")}</span>}
        {report.data && findings.length === 0 && <span className="badge ok">nothing to say</span>}
        <span className="grow" />
        <button type="button" className="button small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide the text" : "Show the text"}
        </button>
        {kind !== "collector" && !taken && (
          <button
            type="button"
            className="button small primary"
            disabled={!report.data?.usable || busy}
            aria-label={`Import ${name}`}
            onClick={() => void take()}
          >
            Import
          </button>
        )}
        <button type="button" className="button quiet small icon" aria-label={`Leave ${name} out`} onClick={onRemove}>
          <X size={14} aria-hidden />
        </button>
      </header>
      {kind === null && (
        <p className={styles.body}>
          This is none of the files that can be taken. If it is one all the same, choose which in the list above.
        </p>
      )}
      {kind !== null && report.isPending && <Skeleton rows={3} />}
      {report.error && <ErrorBox error={report.error} onRetry={() => void report.refetch()} />}
      {report.data && !taken && (
        <p className={`${styles.body} ${report.data.usable ? "" : styles.problem}`}>
          {report.data.usable
            ? `Would take ${report.data.accepted.join(", ")}.`
            : "It cannot be taken as it is: mend the errors first."}
          {kind === "collector" && (
            <>
              {" "}
              Start the server with it: <code>bellrock serve --config {name}</code>
            </>
          )}
        </p>
      )}
      {taken && (
        <p className={styles.notice} role="status">
          <CheckCircle2 size={14} aria-hidden /> {taken.words}. <Link to={taken.url}>Open</Link>
        </p>
      )}
      {error && <ErrorBox error={error} />}
      {findingsOf(error).length > 0 && <FindingList findings={findingsOf(error)} onLine={jump} />}
      <div className={own.columns} data-open={open}>
        {findings.length > 0 && <FindingList findings={findings} onLine={jump} />}
        {open && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
          <ol ref={listing} className={own.listing} aria-label={`Text of ${name}`} tabIndex={0}>
            {text
              .split("\n")
              .slice(0, LINES_MAX)
              .map((content, at) => (
                <li key={at} data-severity={worst.get(at + 1)} data-current={line === at + 1}>
                  {content || " "}
                </li>
              ))}
          </ol>
        )}
      </div>
    </section>
  );
}
