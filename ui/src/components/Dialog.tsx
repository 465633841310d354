// A modal dialog: closes on Escape, on a click outside and with its button; the focus returns to where it was.
import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Dialog.module.css";

export interface DialogProps {
  title: string;
  onClose: () => void;
  /** Wide dialogs hold tables and differences. */
  wide?: boolean;
  footer?: ReactNode;
  children: ReactNode;
}

export function Dialog({ title, onClose, wide = false, footer, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    // The dialog would focus its button for closing, which comes first.
    element?.querySelector<HTMLElement>("[data-first-focus]")?.focus();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      className={styles.dialog}
      data-wide={wide}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.inner}>
        <header className={styles.head}>
          <h2 className="grow ellipsis">{title}</h2>
          <button type="button" className="button quiet small icon" aria-label="Close" onClick={onClose}>
            <X size={16} aria-hidden />
          </button>
        </header>
        <div className={styles.body}>{children}</div>
        {footer && <footer className={styles.foot}>{footer}</footer>}
      </div>
    </dialog>
  );
}
