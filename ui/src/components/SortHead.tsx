// A table head that sorts, always the largest first.
import { ArrowDown } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./SortHead.module.css";

export interface SortHeadProps {
  active: boolean;
  onSort: () => void;
  children: ReactNode;
}

export function SortHead({ active, onSort, children }: SortHeadProps) {
  return (
    <th className="number" aria-sort={active ? "descending" : "none"}>
      <button type="button" className={styles.button} onClick={onSort}>
        {active && <ArrowDown size={12} aria-hidden />}
        {children}
      </button>
    </th>
  );
}
