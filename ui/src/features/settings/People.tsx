// Who may do what: there is no login in this version, and the page says what follows from that.
import { useQuery } from "@tanstack/react-query";
import { fetchStatus } from "../../api/status.ts";

export function People() {
  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => fetchStatus(signal) });
  const address = status.data?.endpoints.ui ?? "";
  const local = /^(127\.|localhost|\[::1\])/.test(address);
  return (
    <>
      <p>
        <strong>This version has no login, no roles, no tokens and no audit log.</strong> Everybody who reaches the
        address of this page can see and change everything.
      </p>
      {address !== "" && (
        <p>
          It listens on <code>{address}</code>
          {local
            ? ": only this machine reaches it, unless a proxy passes it on."
            : ": other machines may reach it. Put a proxy with a login in front of it, or listen on 127.0.0.1."}
        </p>
      )}
      <p className="muted">
        What is changed is kept with the name <code>local</code>: versions of dashboards, silences, acknowledgements.
      </p>
    </>
  );
}
