// A promise that does not say what is counted: what the server found that it could mean, to be confirmed.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { useState } from "react";
import { confirmSlo, fetchProposals, type Proposal, type Slo } from "../../api/slos.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, ErrorBox } from "../../components/States.tsx";
import { indicatorWords } from "../../lib/budget.ts";
import styles from "./Slos.module.css";

export function Proposals({ slo }: { slo: Slo }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const queryKey = ["slo-proposals", slo.id];
  const result = useQuery({ queryKey, queryFn: ({ signal }) => fetchProposals(slo.id, signal) });
  const confirm = async (proposal: Proposal) => {
    setBusy(true);
    setError(null);
    try {
      await confirmSlo(slo.id, proposal.raw);
      await client.invalidateQueries({ queryKey: ["slo", slo.id] });
      await client.invalidateQueries({ queryKey: ["slos"] });
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className={styles.section} aria-label="Proposals">
      <header>
        <h3>What should “{slo.written ?? slo.title}” count? These are in your data, the likeliest first.</h3>
        <span className="grow" />
        <Link to="/slos/new" search={{ source: slo.id }} className="button">
          Something else
        </Link>
      </header>
      {error && <ErrorBox error={error} />}
      <QueryState
        result={result}
        queryKey={queryKey}
        rows={4}
        isEmpty={(proposals) => proposals.length === 0}
        empty={
          <Empty reason="none" title="Nothing that arrives looks like it">
            <p>Send the data first, or say yourself what is counted.</p>
            <Link to="/slos/new" search={{ source: slo.id }} className="button primary">
              Say what is counted
            </Link>
          </Empty>
        }
      >
        {(proposals) => (
          <ul className={styles.proposals}>
            {proposals.map((proposal) => (
              <li key={proposal.reason}>
                <div className="grow">
                  <p>{proposal.reason}</p>
                  {proposal.indicator && <code>{indicatorWords(proposal.indicator)}</code>}
                </div>
                <button type="button" className="button" disabled={busy} onClick={() => void confirm(proposal)}>
                  <Check size={14} aria-hidden /> Count this
                </button>
              </li>
            ))}
          </ul>
        )}
      </QueryState>
    </section>
  );
}
