// The alerts of a service that fire or are about to.
import { Link } from "@tanstack/react-router";
import { Empty } from "../../../components/States.tsx";
import { formatInstant, formatRelative } from "../../../lib/time/format.ts";
import { useTime } from "../../../lib/view.ts";
import { useServiceStates } from "../states.ts";
import type { TabProps } from "./OverviewTab.tsx";

/** Labels that every alert of the service has say nothing. */
const PLAIN = new Set(["alertname", "severity", "service", "service_name", "job"]);

export function AlertsTab({ service }: TabProps) {
  const { zone, asOfMilli } = useTime();
  const state = useServiceStates().get(service);
  const alerts = [...(state?.firing ?? []), ...(state?.pending ?? [])];
  if (alerts.length === 0) {
    return (
      <Empty reason="none" title={`No alert of ${service} fires`}>
        <p>Alerts belong to a service by their label service, service_name or job.</p>
        <Link to="/alerts/rules" search={{}} className="button">
          All rules
        </Link>
      </Empty>
    );
  }
  return (
    <table className="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Alert</th>
          <th>Severity</th>
          <th>What</th>
          <th className="number">Since</th>
        </tr>
      </thead>
      <tbody>
        {alerts.map((alert) => {
          const since = Date.parse(alert.activeAt);
          const more = Object.entries(alert.labels).filter(([name]) => !PLAIN.has(name));
          return (
            <tr key={JSON.stringify(alert.labels)}>
              <td>
                <span className={`badge ${alert.state === "firing" ? "error" : "warn"}`}>{alert.state}</span>
              </td>
              <td>
                <Link to="/alerts" search={{ q: alert.labels.alertname }}>
                  {alert.labels.alertname}
                </Link>{" "}
                <span className="faint">{more.map(([name, value]) => `${name}=${value}`).join(", ")}</span>
              </td>
              <td>{alert.labels.severity}</td>
              <td>{alert.annotations.summary ?? alert.annotations.description}</td>
              <td className="number" title={Number.isNaN(since) ? undefined : formatInstant(since, zone)}>
                {Number.isNaN(since) ? "–" : formatRelative(since, asOfMilli)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
