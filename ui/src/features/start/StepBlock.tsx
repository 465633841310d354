// One step: a title, where the text goes, the text, and a copy button.
import { CopyButton } from "../../components/CopyButton.tsx";
import styles from "./StepBlock.module.css";
import type { Step } from "./sources/source.ts";

export function StepBlock({ step, number }: { step: Step; number: number }) {
  return (
    <li className={styles.step}>
      <span className={styles.number} aria-hidden>
        {number}
      </span>
      <div className={styles.body}>
        <div className={styles.head}>
          <h3>{step.title}</h3>
          <span className="faint mono">{step.where}</span>
          <span className="grow" />
          <CopyButton text={step.text} label="Copy" withText />
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, also with the keyboard */}
        <pre className={styles.text} tabIndex={0}>
          {step.text}
        </pre>
        {step.note && <p className={styles.note}>{step.note}</p>}
      </div>
    </li>
  );
}
