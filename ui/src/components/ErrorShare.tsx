// The share of errors in a row of figures.
import { errorTone } from "../lib/error-share.ts";
import { formatPercent, plural } from "../lib/number.ts";

const BADGES = { plain: "muted", warn: "badge warn", bad: "badge error" } as const;

export function ErrorShare({ ratio, errors }: { ratio: number; errors?: number }) {
  if (ratio === 0) return <span className="faint">0 %</span>;
  return (
    <span className={BADGES[errorTone(ratio)]} title={errors === undefined ? undefined : plural(errors, "error")}>
      {formatPercent(ratio)}
    </span>
  );
}
