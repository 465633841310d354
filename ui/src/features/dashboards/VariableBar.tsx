// The variables of a dashboard as a row of choices; long lists are searched.
import { Check, ChevronDown } from "lucide-react";
import { useState } from "react";
import { Popover } from "../../components/Popover.tsx";
import type { Range } from "../../lib/time/range.ts";
import styles from "./Dashboard.module.css";
import type { Values } from "./interpolate.ts";
import type { Variable } from "./model.ts";
import { useOptions } from "./useOptions.ts";
import { ALL } from "./variables.ts";

export interface VariableBarProps {
  variables: readonly Variable[];
  chosen: ReadonlyMap<string, readonly string[]>;
  values: Values;
  range: Range;
  onChoose: (name: string, values: readonly string[]) => void;
}

export function VariableBar({ variables, chosen, values, range, onChoose }: VariableBarProps) {
  return (
    <div className={styles.variables}>
      {variables
        .filter((variable) => !variable.hidden)
        .map((variable) =>
          variable.kind === "textbox" ? (
            <label key={variable.name} className={styles.variable}>
              <span className="faint">{variable.label}</span>
              <input
                className="input"
                defaultValue={chosen.get(variable.name)?.[0] ?? ""}
                onBlur={(event) => onChoose(variable.name, [event.target.value])}
                onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
              />
            </label>
          ) : (
            <Choice
              key={variable.name}
              variable={variable}
              chosen={chosen.get(variable.name) ?? []}
              values={values}
              range={range}
              onChoose={(next) => onChoose(variable.name, next)}
            />
          ),
        )}
    </div>
  );
}

const SHOWN = 100;
const CHIPS = 2;

interface ChoiceProps {
  variable: Variable;
  chosen: readonly string[];
  values: Values;
  range: Range;
  onChoose: (values: readonly string[]) => void;
}

function Choice({ variable, chosen, values, range, onChoose }: ChoiceProps) {
  const [open, setOpen] = useState(false);
  const [find, setFind] = useState("");
  const options = useOptions(variable, values, range, open);
  const shown = (options.data ?? []).filter((option) => option.toLowerCase().includes(find.toLowerCase()));
  const name = (value: string) => (value === ALL ? "All" : value);
  const text =
    chosen.slice(0, CHIPS).map(name).join(", ") + (chosen.length > CHIPS ? ` +${chosen.length - CHIPS}` : "");
  const choose = (value: string) => {
    if (!variable.multi || value === ALL) {
      setOpen(false);
      return onChoose([value]);
    }
    const others = chosen.filter((each) => each !== ALL && each !== value);
    const next = chosen.includes(value) ? others : [...others, value];
    onChoose(next.length > 0 ? next : variable.includeAll ? [ALL] : [value]);
  };
  return (
    <div className={styles.variable}>
      <span className="faint">{variable.label}</span>
      <Popover
        open={open}
        onOpenChange={setOpen}
        title={variable.label}
        button={
          <>
            <span className="ellipsis">{text || "none"}</span>
            <ChevronDown size={13} aria-hidden />
          </>
        }
        buttonLabel={`${variable.label}: ${text || "none"}`}
        buttonClass={`button ${styles.choice}`}
      >
        <div className={styles.options}>
          <input
            // biome-ignore lint/a11y/noAutofocus: the panel was opened to choose
            autoFocus
            className="input"
            placeholder="Find"
            aria-label={`Find a value of ${variable.label}`}
            value={find}
            onChange={(event) => setFind(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && shown[0] !== undefined && choose(shown[0])}
          />
          {options.error && <p className={styles.hint}>{options.error.message}</p>}
          <ul>
            {variable.includeAll && find === "" && (
              <Option name="All" on={chosen.includes(ALL)} onClick={() => choose(ALL)} />
            )}
            {shown.slice(0, SHOWN).map((option) => (
              <Option key={option} name={option} on={chosen.includes(option)} onClick={() => choose(option)} />
            ))}
          </ul>
          {shown.length > SHOWN && (
            <p className={styles.hint}>
              {SHOWN} of {shown.length}; type to find others
            </p>
          )}
          {options.data && shown.length === 0 && <p className={styles.hint}>no value{find && ` contains ${find}`}</p>}
        </div>
      </Popover>
    </div>
  );
}

function Option({ name, on, onClick }: { name: string; on: boolean; onClick: () => void }) {
  return (
    <li>
      <button type="button" className={styles.option} aria-pressed={on} onClick={onClick}>
        <span className={styles.tick}>{on && <Check size={13} aria-hidden />}</span>
        <span className="ellipsis">{name}</span>
      </button>
    </li>
  );
}
