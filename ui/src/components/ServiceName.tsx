// A service with its colour, the same on every page.
import { serviceColour } from "../lib/colour.ts";
import styles from "./ServiceName.module.css";

export function ServiceName({ name, colour, note }: { name: string; colour?: string | undefined; note?: string }) {
  return (
    <span className={styles.service} title={name}>
      <i style={{ background: colour ?? serviceColour(name) }} />
      <span className="ellipsis">{name || "unknown"}</span>
      {note && <span className="faint">{note}</span>}
    </span>
  );
}
