// The objectives of a service and what is left of their budgets.
import { Link } from "@tanstack/react-router";
import { BudgetBar } from "../../../components/ShareBar.tsx";
import { SloState } from "../../../components/SloState.tsx";
import { Empty } from "../../../components/States.tsx";
import { formatObjective, formatSli, formatSpan } from "../../../lib/budget.ts";
import { useServiceStates } from "../states.ts";
import type { TabProps } from "./OverviewTab.tsx";

export function SlosTab({ service }: TabProps) {
  const rows = useServiceStates().get(service)?.slos ?? [];
  if (rows.length === 0) {
    return (
      <Empty reason="none" title={`No objective of ${service}`}>
        <p>An objective says how much may fail, and warns before it does.</p>
        <Link to="/slos/new" search={{}} className="button primary">
          New objective
        </Link>
      </Empty>
    );
  }
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Objective</th>
          <th className="number">Promised</th>
          <th className="number">Now</th>
          <th>Budget left</th>
          <th>State</th>
          <th className="number">Gone in</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ slo, group, state }) => (
          <tr key={`${slo.id} ${JSON.stringify(group.labels)}`}>
            <td>
              <Link
                to="/slos/$id"
                params={{ id: slo.id }}
                search={Object.keys(group.labels).length > 0 ? { group: JSON.stringify(group.labels) } : {}}
              >
                {slo.title}
              </Link>
            </td>
            <td className="number">
              {formatObjective(slo.objective)} <span className="faint">over {slo.window}</span>
            </td>
            <td className="number">{group.sli === null ? "–" : formatSli(group.sli, slo.objective)}</td>
            <td>
              <BudgetBar group={group} />
            </td>
            <td>
              <SloState state={state} />
            </td>
            <td className="number">{group.exhausted_in_secs ? formatSpan(group.exhausted_in_secs) : "–"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
