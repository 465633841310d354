// The versions of a dashboard: who changed what and why, and the way back.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type DashboardDocument, fetchVersion, fetchVersions, restoreVersion } from "../../api/dashboards.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { DiffView } from "../../components/DiffView.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Dashboard.module.css";

export interface VersionsDialogProps {
  stored: DashboardDocument;
  onClose: () => void;
  onRestored: () => void;
}

export function VersionsDialog({ stored, onClose, onRestored }: VersionsDialogProps) {
  const { zone } = useTime();
  const [chosen, setChosen] = useState<number | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const versions = useQuery({
    queryKey: ["dashboard-versions", stored.uid, stored.version],
    queryFn: ({ signal }) => fetchVersions(stored.uid, signal),
  });
  const old = useQuery({
    queryKey: ["dashboard-version", stored.uid, chosen],
    queryFn: ({ signal }) => fetchVersion(stored.uid, chosen ?? 0, signal),
    enabled: chosen !== null,
  });
  const restore = () => {
    if (chosen === null) return;
    restoreVersion(stored.uid, chosen).then(onRestored, (cause: unknown) =>
      setError(cause instanceof Error ? cause : new Error(String(cause))),
    );
  };
  return (
    <Dialog
      title={`Versions of ${stored.title}`}
      wide
      onClose={onClose}
      footer={
        chosen !== null &&
        !stored.read_only &&
        chosen !== stored.version && (
          <button type="button" className="button primary" onClick={restore}>
            Restore version {chosen}
          </button>
        )
      }
    >
      <div className={styles.inspect}>
        {error && <ErrorBox error={error} />}
        <QueryState result={versions} rows={4}>
          {(list) => (
            <table className="table">
              <thead>
                <tr>
                  <th>Version</th>
                  <th>When</th>
                  <th>Who</th>
                  <th>Why</th>
                </tr>
              </thead>
              <tbody>
                {list.map((version) => (
                  <tr key={version.version} aria-selected={version.version === chosen}>
                    <td>
                      <button type="button" className="button quiet small" onClick={() => setChosen(version.version)}>
                        {version.version}
                        {version.version === stored.version && " (now)"}
                      </button>
                    </td>
                    <td>{formatInstant(version.updated_unix_milli, zone, false)}</td>
                    <td>{version.updated_by}</td>
                    <td>{version.message}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </QueryState>
        {old.data && (
          <>
            <h3>
              From version {old.data.version} to now ({stored.version})
            </h3>
            <DiffView before={old.data.document} after={stored.document} label="Difference of the versions" />
          </>
        )}
      </div>
    </Dialog>
  );
}
