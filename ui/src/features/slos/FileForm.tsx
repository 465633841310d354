// A file of objectives: pasted, chosen or dropped.
import styles from "./Slos.module.css";

const EXAMPLE = `error_budgets:
  api_availability:
    slo: 99.9%
    window: 30d
    budget: 0.1%`;

export function FileForm({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const read = async (file: File | undefined) => {
    if (file) onChange(await file.text());
  };
  return (
    <>
      <p className="muted">
        Objectives (<code>slos</code>), promises (<code>error_budgets</code>) or OpenSLO documents, as YAML or JSON.
        What a promise counts is proposed from your data afterwards and waits for you to confirm it.
      </p>
      <label className={styles.field}>
        <span>File</span>
        <input type="file" accept=".yaml,.yml,.json" onChange={(event) => void read(event.target.files?.[0])} />
      </label>
      <label className={styles.field}>
        <span>Or its text; a file can be dropped here</span>
        <textarea
          className={styles.fileArea}
          spellCheck={false}
          placeholder={EXAMPLE}
          value={text}
          onChange={(event) => onChange(event.target.value)}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            void read(event.dataTransfer.files[0]);
          }}
        />
      </label>
    </>
  );
}
