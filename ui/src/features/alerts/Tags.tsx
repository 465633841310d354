// Severity and state, always as a shape and a word: colour alone says nothing.
import {
  AlertOctagon,
  BellOff,
  CircleCheck,
  CircleDashed,
  Clock,
  Flame,
  Info,
  type LucideIcon,
  ShieldOff,
  TriangleAlert,
  Unplug,
} from "lucide-react";
import styles from "./Tags.module.css";
import { STATE_TITLES, severityRank, type TriageState } from "./triage.ts";

export function SeverityTag({ severity }: { severity: string }) {
  const rank = severityRank(severity);
  const Icon = rank === 0 ? AlertOctagon : rank <= 2 ? TriangleAlert : Info;
  const tone = rank === 0 ? "critical" : rank === 1 ? "error" : rank === 2 ? "warning" : "info";
  return (
    <span className={styles.severity} data-tone={severity ? tone : "none"}>
      {severity ? <Icon size={15} aria-hidden /> : <CircleDashed size={15} aria-hidden />}
      <span className="ellipsis">{severity || "no severity"}</span>
    </span>
  );
}

const STATE_ICONS: Record<TriageState | "inactive" | "resolved", LucideIcon> = {
  firing: Flame,
  error: AlertOctagon,
  "no-data": Unplug,
  pending: Clock,
  inhibited: ShieldOff,
  silenced: BellOff,
  inactive: CircleCheck,
  resolved: CircleCheck,
};

export function StateTag({ state }: { state: TriageState | "inactive" | "resolved" }) {
  const Icon = STATE_ICONS[state];
  const title = state === "inactive" || state === "resolved" ? state : STATE_TITLES[state];
  return (
    <span className={styles.state} data-state={state}>
      <Icon size={12} aria-hidden />
      {title}
    </span>
  );
}
