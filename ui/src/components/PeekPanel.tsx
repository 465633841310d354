// The panel at the right that shows one thing without leaving the page. Its width is remembered.
import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useKeys } from "../lib/keys.ts";
import { createPreference } from "../lib/store.ts";
import styles from "./PeekPanel.module.css";

const width = createPreference<string>("peek-width", null, "0.42");
const MIN_PX = 320;
const MAX_SHARE = 0.8;

export interface PeekPanelProps {
  title: ReactNode;
  /** Accessible name. */
  label: string;
  actions?: ReactNode;
  onClose: () => void;
  /** On narrow windows: over the page, or below it when the page must stay visible. */
  dock?: "over" | "below";
  children: ReactNode;
}

export function PeekPanel({ title, label, actions, onClose, dock = "over", children }: PeekPanelProps) {
  const [share, setShare] = useState(() => Number(width.get()) || 0.42);
  const panel = useRef<HTMLElement>(null);
  useKeys("peek", "Panel", [{ keys: "Escape", label: "Close the panel", run: onClose }]);
  useEffect(() => width.set(String(share)), [share]);
  const resize = (next: number) => {
    const total = panel.current?.parentElement?.clientWidth ?? 1;
    setShare(Math.min(MAX_SHARE, Math.max(MIN_PX / total, next)));
  };
  return (
    <aside
      ref={panel}
      className={styles.panel}
      aria-label={label}
      data-dock={dock}
      style={{ "--peek": `${share * 100}%` } as React.CSSProperties}
    >
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the panel"
        aria-valuenow={Math.round(share * 100)}
        tabIndex={0}
        className={styles.splitter}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
          const box = panel.current?.parentElement?.getBoundingClientRect();
          if (box) resize((box.right - event.clientX) / box.width);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") resize(share + 0.03);
          if (event.key === "ArrowRight") resize(share - 0.03);
        }}
      />
      <header className={styles.header}>
        <div className={styles.title}>{title}</div>
        {actions}
        <button
          type="button"
          className="button quiet small icon"
          aria-label="Close"
          title="Close (Esc)"
          onClick={onClose}
        >
          <X size={16} aria-hidden />
        </button>
      </header>
      <div className={styles.body}>{children}</div>
    </aside>
  );
}
