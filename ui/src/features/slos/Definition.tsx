// The definition of an objective: what is counted in words, and the text that makes it.
import type { Slo } from "../../api/slos.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { indicatorWords } from "../../lib/budget.ts";
import { draftOf, writeDraft, writePromise } from "./draft.ts";
import styles from "./Slos.module.css";

export function Definition({ slo }: { slo: Slo }) {
  const text = slo.indicator === null ? writePromise(slo) : writeDraft(draftOf(slo));
  return (
    <section className={styles.section} aria-label="Definition">
      <header>
        <h3>Definition</h3>
        <span className="faint">
          {slo.origin.kind === "file" ? `in ${slo.origin.file}: change it there` : "made here"}
        </span>
        <span className="grow" />
        <CopyButton text={text} label="Copy as YAML" withText />
      </header>
      {slo.indicator && <p className={styles.pad}>{indicatorWords(slo.indicator)}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, also with the keyboard */}
      <pre className={styles.code} tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
