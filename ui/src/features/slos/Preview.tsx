// What an objective that is typed would say now, counted over what is stored.
import type { UseQueryResult } from "@tanstack/react-query";
import type { SloList } from "../../api/slos.ts";
import { BudgetBar } from "../../components/ShareBar.tsx";
import { Empty, ErrorBox, RefreshBar, Skeleton } from "../../components/States.tsx";
import { Tile } from "../../components/Tile.tsx";
import {
  burnState,
  formatObjective,
  formatSli,
  observed,
  projectionOf,
  STATE_TITLES,
  STATE_WORDS,
  windowName,
} from "../../lib/budget.ts";
import { formatCount } from "../../lib/number.ts";
import { BadChart } from "./BurnCharts.tsx";
import { Findings } from "./Findings.tsx";
import styles from "./Slos.module.css";

const GROUPS_MAX = 6;

export interface PreviewProps {
  text: string;
  tab: "form" | "file";
  result: UseQueryResult<SloList, Error>;
}

export function Preview({ text, tab, result }: PreviewProps) {
  if (text.trim() === "") {
    return (
      <Empty reason="none" title="What it would say stands here">
        <p>
          {tab === "file"
            ? "Each objective of the file, counted over what is stored; what is wrong in it, with its line."
            : "Once a title and what is counted are filled in, it is counted over what is stored. Nothing is kept before you save."}
        </p>
      </Empty>
    );
  }
  return (
    <>
      <RefreshBar busy={result.isFetching && result.data !== undefined} />
      {result.error && <ErrorBox error={result.error} />}
      {!result.data && !result.error && <Skeleton rows={6} />}
      {result.data && (
        <>
          <Findings findings={result.data.findings} />
          {result.data.slos.map((slo) => (
            <section key={slo.id} className={styles.section} aria-label={slo.title || slo.id}>
              <header>
                <h3>{slo.title || slo.id}</h3>
                <span className="faint">
                  {slo.objective > 0 && `${slo.written ?? formatObjective(slo.objective)} over ${slo.window}`}
                </span>
              </header>
              {slo.error && <p className={`${styles.pad} ${styles.problem}`}>{slo.error}</p>}
              {!slo.error && slo.indicator === null && (
                <p className={styles.pad}>A promise: once it is taken, say what it counts.</p>
              )}
              {slo.groups.slice(0, GROUPS_MAX).map((group) => {
                const state = burnState(group, slo.tiers);
                return (
                  <div key={JSON.stringify(group.labels)} className={styles.pad}>
                    {Object.keys(group.labels).length > 0 && (
                      <h4>
                        {Object.entries(group.labels)
                          .map(([name, value]) => `${name}=${value}`)
                          .join(", ")}
                      </h4>
                    )}
                    <p className={styles.sentence} data-tone={projectionOf(group).tone}>
                      {projectionOf(group).sentence}
                    </p>
                    <p className="muted">{group.sentence}</p>
                    <div className={styles.tiles}>
                      <Tile name="Good" value={group.sli === null ? "–" : formatSli(group.sli, slo.objective)} />
                      <Tile name="Budget left" value={<BudgetBar group={group} />} />
                      <Tile
                        name="Bad"
                        value={formatCount(Math.round(group.bad))}
                        note={`of ${formatCount(Math.round(group.total))}`}
                      />
                      <Tile
                        name="State"
                        value={<span title={STATE_TITLES[state]}>{STATE_WORDS[state]}</span>}
                        note={observed(group)}
                      />
                    </div>
                    <p className={`faint ${styles.small}`}>
                      burns{" "}
                      {group.burn
                        .map(
                          ({ window_secs, rate }) =>
                            `${Number(rate.toPrecision(2))}\u00d7 over ${windowName(window_secs)}`,
                        )
                        .join(", ")}
                    </p>
                  </div>
                );
              })}
              {slo.groups.length > GROUPS_MAX && (
                <p className={styles.pad}>and {formatCount(slo.groups.length - GROUPS_MAX)} more groups</p>
              )}
              {/* Other kinds are recorded only from when they are made. */}
              {slo.indicator?.kind === "ratio" && !slo.error && <BadChart slo={slo} labels={{}} />}
              {slo.dropped.map((each) => (
                <p key={each.long_secs} className={styles.pad}>
                  No alert of {each.factor}× over {windowName(each.long_secs)}:{" "}
                  <span className="muted">{each.reason}</span>
                </p>
              ))}
            </section>
          ))}
        </>
      )}
    </>
  );
}
