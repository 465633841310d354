// The box above a list that filters its rows as one types. Escape gives the keys back to the list.
import { Search } from "lucide-react";
import type { Ref } from "react";
import styles from "./FilterBox.module.css";

interface Props {
  ref?: Ref<HTMLInputElement>;
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}

export function FilterBox({ ref, label, placeholder, value, onChange }: Props) {
  return (
    <label className={styles.box}>
      <Search size={13} aria-hidden />
      <input
        ref={ref}
        value={value}
        placeholder={placeholder}
        aria-label={label}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
    </label>
  );
}
