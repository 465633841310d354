// A severity level: colour, and a word, so colour is never alone.
import { levelColour } from "../lib/colour.ts";
import styles from "./LevelTag.module.css";

export function LevelTag({ level }: { level: string }) {
  return (
    <span className={styles.tag} data-level={level}>
      <i style={{ background: levelColour(level) }} />
      {level === "UNSPECIFIED" ? "\u2013" : level}
    </span>
  );
}
