// Names with texts, as labels and annotations of a rule are written.
import { Plus, X } from "lucide-react";
import { useId } from "react";
import styles from "./Alerts.module.css";
import editor from "./RuleEditor.module.css";

export interface PairRowsProps {
  title: string;
  pairs: readonly [string, string][];
  onChange: (pairs: [string, string][]) => void;
  suggestions: readonly string[];
  hint?: string;
  /** Texts of several lines. */
  long?: boolean;
}

export function PairRows({ title, pairs, onChange, suggestions, hint, long = false }: PairRowsProps) {
  const id = useId();
  const set = (at: number, pair: [string, string]) =>
    onChange(pairs.map((each, index) => (index === at ? pair : each)));
  const unused = suggestions.filter((name) => !pairs.some(([used]) => used === name));
  return (
    <fieldset className={styles.fieldset}>
      <legend>{title}</legend>
      {pairs.map(([name, value], at) => (
        <div key={at} className={editor.pair}>
          <input
            className={`input mono ${editor.pairName}`}
            aria-label={`Name of ${title.toLowerCase()} ${at + 1}`}
            list={id}
            value={name}
            onChange={(event) => set(at, [event.target.value, value])}
          />
          {long ? (
            <textarea
              className={`${styles.area} ${editor.pairText}`}
              aria-label={name || `Text of ${title.toLowerCase()} ${at + 1}`}
              rows={1}
              value={value}
              onChange={(event) => set(at, [name, event.target.value])}
            />
          ) : (
            <input
              className={`input ${editor.pairText}`}
              aria-label={name || `Value of ${title.toLowerCase()} ${at + 1}`}
              value={value}
              onChange={(event) => set(at, [name, event.target.value])}
            />
          )}
          <button
            type="button"
            className="button quiet icon"
            aria-label={`Remove ${name || title.toLowerCase()}`}
            onClick={() => onChange(pairs.filter((_, index) => index !== at))}
          >
            <X size={14} aria-hidden />
          </button>
        </div>
      ))}
      <datalist id={id}>
        {suggestions.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <span className={styles.inline}>
        <button
          type="button"
          className="button quiet small"
          onClick={() => onChange([...pairs, [unused[0] ?? "", ""]])}
        >
          <Plus size={14} aria-hidden /> {title === "Labels" ? "Label" : "Annotation"}
        </button>
        {hint && <span className="faint">{hint}</span>}
      </span>
    </fieldset>
  );
}
