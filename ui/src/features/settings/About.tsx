// What is running, and what it is made of.
import { useQuery } from "@tanstack/react-query";
import { fetchStatus } from "../../api/status.ts";
import { fetchConfigText } from "../../api/storage.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Settings.module.css";

const PARTS = [
  ["React", "MIT"],
  ["TanStack Router and Query", "MIT"],
  ["uPlot", "MIT"],
  ["cmdk", "MIT"],
  ["dagre", "MIT"],
  ["Lucide icons", "ISC"],
  ["Inter and JetBrains Mono", "OFL 1.1"],
] as const;

export function About() {
  const { zone } = useTime();
  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => fetchStatus(signal) });
  const config = useQuery({ queryKey: ["config-text"], queryFn: ({ signal }) => fetchConfigText(signal) });
  return (
    <>
      {status.data && (
        <p>
          Bellrock {status.data.version}, running since {formatInstant(status.data.started_unix_milli, zone, false)}.
          Licence: Apache 2.0.
        </p>
      )}
      <p className="muted">
        The pages are made with {PARTS.map(([name, licence]) => `${name} (${licence})`).join(", ")}. Nothing is loaded
        from another origin. The API is described at <a href="api/openapi.json">api/openapi.json</a>.
      </p>
      <div className={styles.line}>
        <h3>Effective configuration</h3>
        <span className="grow" />
        {config.data && <CopyButton text={config.data} label="Copy" withText />}
      </div>
      <QueryState result={config} rows={8}>
        {(text) => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, also with the keyboard
          <pre className={styles.code} tabIndex={0}>
            {text}
          </pre>
        )}
      </QueryState>
    </>
  );
}
