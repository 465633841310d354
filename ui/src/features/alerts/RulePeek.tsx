// A rule in a panel over the page.
import styles from "./Alerts.module.css";
import { RuleDetail } from "./RuleDetail.tsx";

export function RulePeek({ id }: { id: string }) {
  return (
    <div className={styles.peek}>
      <RuleDetail id={id} />
    </div>
  );
}
