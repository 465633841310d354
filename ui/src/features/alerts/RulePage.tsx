// One rule as a page of its own.
import { useParams } from "@tanstack/react-router";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { RuleDetail } from "./RuleDetail.tsx";

export function RulePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  return (
    <>
      <AlertsNav />
      <div className={styles.page}>
        <RuleDetail id={id} />
      </div>
    </>
  );
}
