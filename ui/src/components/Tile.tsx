// A number with its name above, as they stand in a row at the top of a page.
import type { ReactNode } from "react";
import styles from "./Tile.module.css";

export type Tone = "bad" | "warn" | "good" | "plain";

export interface TileProps {
  name: string;
  value: ReactNode;
  /** Beside the value: what it was before, or of what it is a part. */
  note?: ReactNode;
  tone?: Tone;
}

export function Tile({ name, value, note, tone = "plain" }: TileProps) {
  return (
    <dl className={styles.tile}>
      <dt>{name}</dt>
      <dd data-tone={tone}>
        {value}
        {note && <span className={styles.note}>{note}</span>}
      </dd>
    </dl>
  );
}
