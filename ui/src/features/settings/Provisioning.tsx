// Export of everything that people made, and import of such a file: what it changes is shown before it is taken.
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { useState } from "react";
import { fetchDashboards } from "../../api/dashboards.ts";
import { ErrorBox } from "../../components/States.tsx";
import { download } from "../../lib/download.ts";
import { plural } from "../../lib/number.ts";
import { type Change, changesOf, makeBundle, readBundle } from "./bundle.ts";
import styles from "./Settings.module.css";

const asError = (cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause)));

export function Provisioning() {
  const [error, setError] = useState<Error | null>(null);
  const [changes, setChanges] = useState<Change[] | null>(null);
  const attempt = async (run: () => Promise<void>) => {
    setError(null);
    try {
      await run();
    } catch (cause) {
      setError(asError(cause));
    }
  };
  const save = () =>
    attempt(async () => {
      const bundle = await makeBundle(new AbortController().signal);
      download("bellrock-export.json", `${JSON.stringify(bundle, null, 1)}\n`);
    });
  const choose = (file: File | undefined) =>
    attempt(async () => {
      if (!file) return;
      const { signal } = new AbortController();
      const next = readBundle(await file.text());
      const [now, list] = await Promise.all([makeBundle(signal), fetchDashboards(signal)]);
      setChanges(changesOf(next, now, new Map(list.map(({ uid, version }) => [uid, version]))));
    });
  return (
    <>
      <p>
        Dashboards, saved views, rules, objectives, routing and channels as one file. Secrets of channels are not in it.
      </p>
      <div className={styles.line}>
        <button type="button" className="button primary" onClick={() => void save()}>
          <Download size={14} aria-hidden /> Export everything
        </button>
      </div>
      <h3>Import</h3>
      <label className={styles.line}>
        <span>An exported file</span>
        <input type="file" accept=".json" onChange={(event) => void choose(event.target.files?.[0])} />
      </label>
      {error && <ErrorBox error={error} />}
      {changes && <Changes changes={changes} onDone={() => setChanges(null)} />}
      <p className="muted">
        Single files (dashboards of Grafana, rules of Prometheus, Alertmanager's configuration, error budgets) go
        through <a href="import">Import</a>, which says what each of them would do. Dashboards that lie in a folder are
        read with <code>dashboards: {"{paths: [..]}"}</code> of the configuration; see{" "}
        <Link to="/dashboards" search={{}}>
          Dashboards
        </Link>
        .
      </p>
    </>
  );
}

function Changes({ changes, onDone }: { changes: readonly Change[]; onDone: () => void }) {
  const client = useQueryClient();
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [results, setResults] = useState<ReadonlyMap<string, Error | null>>(new Map());
  const [busy, setBusy] = useState(false);
  const wanted = changes.filter(({ id, kind }) => kind !== "same" && !left.has(id));
  const take = async () => {
    setBusy(true);
    for (const change of wanted) {
      const result = await change.apply().then(
        () => null,
        (cause: unknown) => asError(cause),
      );
      setResults((old) => new Map([...old, [change.id, result]]));
    }
    setBusy(false);
    await client.invalidateQueries();
  };
  const toggle = (id: string) => {
    const next = new Set(left);
    if (!next.delete(id)) next.add(id);
    setLeft(next);
  };
  return (
    <div className={styles.changes} role="status">
      <ul>
        {changes.map(({ id, what, kind }) => {
          const result = results.get(id);
          return (
            <li key={id}>
              <label className={styles.line}>
                <input
                  type="checkbox"
                  checked={kind !== "same" && !left.has(id)}
                  disabled={kind === "same" || busy || results.size > 0}
                  onChange={() => toggle(id)}
                />
                <span className={`badge ${kind === "same" ? "" : kind === "new" ? "ok" : "warn"}`}>{kind}</span>
                {what}
                {result === null && <span className="muted">taken</span>}
              </label>
              {result && <p className={styles.low}>{result.message}</p>}
            </li>
          );
        })}
      </ul>
      <div className={styles.line}>
        {results.size === 0 ? (
          <button
            type="button"
            className="button primary"
            disabled={busy || wanted.length === 0}
            onClick={() => void take()}
          >
            Take {plural(wanted.length, "change")}
          </button>
        ) : (
          <button type="button" className="button" onClick={onDone}>
            Done
          </button>
        )}
        {results.size === 0 && (
          <button type="button" className="button quiet" onClick={onDone}>
            Cancel
          </button>
        )}
      </div>
    </div>
  );
}
