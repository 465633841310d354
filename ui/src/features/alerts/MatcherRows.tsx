// Matchers of a silence as rows that can be changed: name, comparison, value.
import { Plus, X } from "lucide-react";
import type { SilenceMatcher } from "../../api/silences.ts";
import styles from "./MatcherRows.module.css";

const OPERATORS = [
  { text: "=", isEqual: true, isRegex: false, title: "is" },
  { text: "!=", isEqual: false, isRegex: false, title: "is not" },
  { text: "=~", isEqual: true, isRegex: true, title: "matches" },
  { text: "!~", isEqual: false, isRegex: true, title: "does not match" },
] as const;

export interface MatcherRowsProps {
  matchers: readonly SilenceMatcher[];
  onChange: (matchers: SilenceMatcher[]) => void;
}

export function MatcherRows({ matchers, onChange }: MatcherRowsProps) {
  const set = (at: number, change: Partial<SilenceMatcher>) =>
    onChange(matchers.map((matcher, index) => (index === at ? { ...matcher, ...change } : matcher)));
  return (
    <div className={styles.rows}>
      {matchers.map((matcher, at) => {
        const number = at + 1;
        const operator = OPERATORS.find((each) => each.isEqual === matcher.isEqual && each.isRegex === matcher.isRegex);
        return (
          <div key={at} className={styles.row}>
            <input
              className={`input mono ${styles.name}`}
              aria-label={`Label of matcher ${number}`}
              placeholder="label"
              value={matcher.name}
              onChange={(event) => set(at, { name: event.target.value })}
            />
            <select
              className="input"
              aria-label={`Comparison of matcher ${number}`}
              value={operator?.text ?? "="}
              onChange={(event) => {
                const chosen = OPERATORS.find((each) => each.text === event.target.value);
                if (chosen) set(at, { isEqual: chosen.isEqual, isRegex: chosen.isRegex });
              }}
            >
              {OPERATORS.map((each) => (
                <option key={each.text} value={each.text} title={each.title}>
                  {each.text}
                </option>
              ))}
            </select>
            <input
              className={`input mono ${styles.value}`}
              aria-label={`Value of matcher ${number}`}
              placeholder="value"
              value={matcher.value}
              onChange={(event) => set(at, { value: event.target.value })}
            />
            <button
              type="button"
              className="button quiet icon"
              aria-label={`Remove matcher ${number}`}
              title="Remove"
              onClick={() => onChange(matchers.filter((_, index) => index !== at))}
            >
              <X size={14} aria-hidden />
            </button>
          </div>
        );
      })}
      <button
        type="button"
        className="button quiet small"
        onClick={() => onChange([...matchers, { name: "", value: "", isEqual: true, isRegex: false }])}
      >
        <Plus size={14} aria-hidden /> Matcher
      </button>
    </div>
  );
}
