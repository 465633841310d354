// Where an error happens: the failed spans of its operation by version, instance, route and the like.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ErrorGroup } from "../../api/errors.ts";
import { fetchFacets } from "../../api/fields.ts";
import { addTerm, term } from "../../lib/filter.ts";
import { formatPercent } from "../../lib/number.ts";
import type { Range } from "../../lib/time/range.ts";
import { useTimeSearch } from "../../lib/view.ts";
import styles from "./Errors.module.css";

const FIELDS = [
  "service.version",
  "service.instance.id",
  "deployment.environment.name",
  "http.route",
  "http.response.status_code",
  "db.query.summary",
  "user.id",
];
const SHOWN_VALUES = 5;

export function Distribution({ group, range }: { group: ErrorGroup; range: Range }) {
  const timeSearch = useTimeSearch();
  const q = `${term("service", group.service)} ${term("name", group.span_name)} status:error`;
  const facets = useQuery({
    queryKey: ["facets", "traces", q, range, FIELDS.join()],
    queryFn: ({ signal }) => fetchFacets({ signal: "traces", range, q, fields: FIELDS, limit: SHOWN_VALUES }, signal),
  });
  const shown = facets.data?.value.facets.filter((facet) => facet.values.length > 0) ?? [];
  return (
    <section className={styles.section}>
      <header>
        <h2>Where it happens</h2>
        <span className="faint">failed spans named {group.span_name}</span>
      </header>
      {facets.data && shown.length === 0 && <p className={styles.key}>none of the usual attributes is set</p>}
      {shown.map((facet) => {
        const total = facet.values.reduce((sum, each) => sum + each.count, 0);
        return (
          <div key={facet.field}>
            <h3 className={styles.key}>{facet.field}</h3>
            {facet.values.map((each) => (
              <div key={each.value} className={styles.share}>
                <Link
                  to="/traces"
                  search={{ ...timeSearch, q: addTerm(q, facet.field, each.value) }}
                  className="ellipsis mono"
                  title={each.value}
                >
                  {each.value}
                </Link>
                <i style={{ width: `${(each.count / total) * 100}%` }} />
                <span className="number faint">{formatPercent(each.count / total)}</span>
              </div>
            ))}
          </div>
        );
      })}
    </section>
  );
}
