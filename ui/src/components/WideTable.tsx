// What may be wider than its place scrolls by itself; the keyboard can scroll it as long as there is something to scroll.
import { type ReactNode, useEffect, useRef, useState } from "react";
import styles from "./WideTable.module.css";

export function WideTable({ label, children }: { label: string; children: ReactNode }) {
  const box = useRef<HTMLElement>(null);
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWide(element.scrollWidth > element.clientWidth));
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return (
    <section ref={box} className={styles.wide} aria-label={label} tabIndex={wide ? 0 : undefined}>
      {children}
    </section>
  );
}
