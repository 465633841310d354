// Stands where something needs more room than a phone has, with a way to take it to a wider screen.
import { MonitorSmartphone } from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./WiderScreen.module.css";

export interface WiderScreenProps {
  /** "The editor", "The map". */
  what: string;
  /** One line above the page, which stays readable, instead of the page. */
  strip?: boolean;
  children?: ReactNode;
}

export function WiderScreen({ what, strip = false, children }: WiderScreenProps) {
  return (
    <div className={styles.box} data-strip={strip} role="status">
      <MonitorSmartphone size={strip ? 16 : 28} aria-hidden className="faint" />
      <p>
        {what} needs a wider screen{strip ? "" : ", 768 pixels or more"}.
      </p>
      <div className={styles.ways}>
        {children}
        <CopyButton text={location.href} label="Copy link" withText />
      </div>
    </div>
  );
}
