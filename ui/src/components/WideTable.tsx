// What may be wider than its place scrolls by itself.
import { type ReactNode, useRef } from "react";
import { useOverflow } from "../lib/overflow.ts";
import styles from "./WideTable.module.css";

export function WideTable({ label, children }: { label: string; children: ReactNode }) {
  const box = useRef<HTMLElement>(null);
  const more = useOverflow(box);
  return (
    <section ref={box} className={styles.wide} aria-label={label} tabIndex={more ? 0 : undefined}>
      {children}
    </section>
  );
}
