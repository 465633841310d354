// Add data: choose a source, copy the steps, watch what arrives and what is refused.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { fetchStatus } from "../../api/status.ts";
import { copyText } from "../../components/CopyButton.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { useKeys } from "../../lib/keys.ts";
import { useView } from "../../lib/view.ts";
import { Checklist } from "./Checklist.tsx";
import { DemoPanel } from "./DemoPanel.tsx";
import styles from "./StartPage.module.css";
import { StepBlock } from "./StepBlock.tsx";
import { INFRASTRUCTURE } from "./sources/infrastructure.ts";
import { LANGUAGES } from "./sources/languages.ts";
import { MORE_LANGUAGES } from "./sources/more-languages.ts";
import { PROTOCOLS } from "./sources/protocols.ts";
import { SERVICES } from "./sources/services.ts";
import type { Target } from "./sources/source.ts";
import { targetOf } from "./target.ts";

const SOURCES = [...LANGUAGES, ...MORE_LANGUAGES, ...INFRASTRUCTURE, ...SERVICES, ...PROTOCOLS];
const GROUPS = ["Languages", "Infrastructure", "Protocols"] as const;
const POLL_MS = 2000;

export function StartPage() {
  const { search, patch } = useView();
  const [text, setText] = useState("");
  const [service, setService] = useState("my-service");
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => fetchStatus(signal),
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
  const source = SOURCES.find((candidate) => candidate.id === search.source) ?? SOURCES[0];
  const target: Target = targetOf(status.data?.endpoints, location, service);
  const steps = source?.steps(target) ?? [];
  useKeys(
    "page",
    "Add data",
    steps.map((step, index) => ({
      keys: String(index + 1),
      label: `Copy step ${index + 1}`,
      run: () => void copyText(step.text),
    })),
  );
  return (
    <div className={styles.page}>
      <nav className={styles.sources} aria-label="Sources">
        <input
          className={`input ${styles.search}`}
          placeholder="Find a source"
          aria-label="Find a source"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {GROUPS.map((group) => {
          const shown = SOURCES.filter(
            (each) => each.group === group && each.title.toLowerCase().includes(text.toLowerCase()),
          );
          return shown.length > 0 ? (
            <section key={group}>
              <h2 className={styles.group}>{group}</h2>
              <ul>
                {shown.map((each) => (
                  <li key={each.id}>
                    <button
                      type="button"
                      className={styles.source}
                      aria-current={each.id === source?.id}
                      onClick={() => patch({ source: each.id }, { replace: true })}
                    >
                      {each.title}
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          ) : null;
        })}
      </nav>
      <div className={styles.steps}>
        <div className={styles.inner}>
          <h2 className={styles.title}>{source?.title}</h2>
          <p className="muted">{source?.about}</p>
          <div className={styles.options}>
            <label className={styles.option}>
              <span className="faint">Service name</span>
              <input
                className="input mono"
                value={service}
                spellCheck={false}
                onChange={(event) => setService(event.target.value.replace(/[^\w.-]/g, "-"))}
              />
            </label>
            <div className={styles.option}>
              <span className="faint">OTLP/HTTP</span>
              <code>{target.httpUrl}</code>
            </div>
            <div className={styles.option}>
              <span className="faint">OTLP/gRPC</span>
              <code>{target.grpcAddress}</code>
            </div>
          </div>
          <ol className={styles.list}>
            {steps.map((step, index) => (
              <StepBlock key={step.title} step={step} number={index + 1} />
            ))}
          </ol>
        </div>
      </div>
      <aside className={styles.live} aria-label="What arrives">
        {status.error && <ErrorBox error={status.error} onRetry={() => void status.refetch()} />}
        <DemoPanel />
        <Checklist status={status.data ?? null} />
      </aside>
    </div>
  );
}
