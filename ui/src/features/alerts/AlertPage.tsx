// One alert as a page of its own.
import { useParams } from "@tanstack/react-router";
import { AlertDetail } from "./AlertDetail.tsx";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";

export function AlertPage() {
  const { fp } = useParams({ strict: false }) as { fp: string };
  return (
    <>
      <AlertsNav />
      <div className={styles.page}>
        <AlertDetail fingerprint={fp} />
      </div>
    </>
  );
}
