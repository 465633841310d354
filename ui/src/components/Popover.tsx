// A panel under a button. Closes on Escape, on a click outside, and returns the focus to the button.
import { type ReactNode, useEffect, useId, useRef } from "react";
import styles from "./Popover.module.css";

export interface PopoverProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Accessible name of the panel. */
  title: string;
  align?: "left" | "right";
  button: ReactNode;
  buttonLabel?: string;
  buttonClass?: string;
  /** Something goes on behind the panel, also while it is closed. */
  busy?: boolean;
  children: ReactNode;
}

export function Popover({
  open,
  onOpenChange,
  title,
  align = "left",
  button,
  buttonLabel,
  buttonClass,
  busy,
  children,
}: PopoverProps) {
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const onPointer = (event: PointerEvent) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) onOpenChange(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [open, onOpenChange]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the panel wherever the focus is inside
    <div
      className={styles.root}
      ref={root}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        onOpenChange(false);
        trigger.current?.focus();
      }}
    >
      <button
        type="button"
        ref={trigger}
        className={buttonClass ?? "button"}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={buttonLabel}
        aria-busy={busy}
        title={buttonLabel}
        onClick={() => onOpenChange(!open)}
      >
        {button}
      </button>
      {open && (
        <div
          id={id}
          role="dialog"
          aria-label={title}
          className={`${styles.panel} ${align === "right" ? styles.right : ""}`}
        >
          {children}
        </div>
      )}
    </div>
  );
}
