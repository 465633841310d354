// An alert in a panel over the page.

import { AlertDetail } from "./AlertDetail.tsx";
import styles from "./Alerts.module.css";

export function AlertPeek({ id }: { id: string }) {
  return (
    <div className={styles.peek}>
      <AlertDetail fingerprint={id} compact />
    </div>
  );
}
