// Labels as `name=value`, each a small piece that can be read and copied.
import styles from "./Alerts.module.css";

export interface LabelListProps {
  labels: readonly (readonly [string, string])[];
  /** Further ones are counted. */
  max?: number;
}

export function LabelList({ labels, max = 6 }: LabelListProps) {
  if (labels.length === 0) return null;
  const rest = labels.slice(max);
  return (
    <span className={styles.labels}>
      {labels.slice(0, max).map(([name, value]) => (
        <span key={name} className={styles.label} title={`${name}=${value}`}>
          <span className="faint">{name}=</span>
          {value}
        </span>
      ))}
      {rest.length > 0 && (
        <span className="faint" title={rest.map(([name, value]) => `${name}=${value}`).join("\n")}>
          and {rest.length} more
        </span>
      )}
    </span>
  );
}
