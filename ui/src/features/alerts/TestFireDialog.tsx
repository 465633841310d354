// Sends the message of a rule to one receiver, and shows every step of it as it happens.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { fetchReceivers, matchRoutes } from "../../api/channels.ts";
import type { Rule } from "../../api/rules.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorBox } from "../../components/States.tsx";
import styles from "./Alerts.module.css";
import { ChannelTest } from "./ChannelTest.tsx";

export function TestFireDialog({ rule, onClose }: { rule: Rule; onClose: () => void }) {
  const receivers = useQuery({ queryKey: ["receivers"], queryFn: ({ signal }) => fetchReceivers(signal) });
  const alert = useMemo(() => {
    const [now] = rule.alerts;
    const plain = (texts: Record<string, string>) =>
      Object.fromEntries(Object.entries(texts).filter(([, text]) => !text.includes("{{")));
    return {
      labels: { ...(now?.labels ?? plain(rule.labels)), alertname: rule.name },
      annotations: now?.annotations ?? rule.annotations,
    };
  }, [rule]);
  const routed = useQuery({
    queryKey: ["route-of", alert.labels],
    queryFn: () => matchRoutes(alert.labels),
    retry: false,
  });
  const usual = routed.data?.map((route) => route.receiver) ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const receiver = chosen ?? usual[0] ?? receivers.data?.[0]?.name ?? "";
  return (
    <Dialog title={`Test-fire ${rule.name}`} onClose={onClose} wide>
      <div className={styles.form}>
        <label className={styles.field}>
          Receiver
          <select className="input" value={receiver} onChange={(event) => setChosen(event.target.value)}>
            {(receivers.data ?? []).map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
                {usual.includes(each.name) ? " (where its alerts go)" : ""}
              </option>
            ))}
          </select>
        </label>
        {receivers.error && <ErrorBox error={receivers.error} />}
        {receiver !== "" && <ChannelTest key={receiver} receiver={receiver} channel={null} alert={alert} />}
      </div>
    </Dialog>
  );
}
