// Raw JSON, as text with a copy button.

import { CopyButton } from "./CopyButton.tsx";
import styles from "./JsonView.module.css";
import { Pre } from "./Pre.tsx";

export function JsonView({ value }: { value: unknown }) {
  const text = JSON.stringify(value, null, 2) ?? "";
  return (
    <div className={styles.root}>
      <div className={styles.tools}>
        <CopyButton text={text} label="Copy JSON" withText />
      </div>
      <Pre className={styles.text}>{text}</Pre>
    </div>
  );
}
