// A rule by its address: the name of its group and its own.
import { useMemo } from "react";
import type { Rule, RuleGroup } from "../../api/rules.ts";
import { ruleKey } from "./triage.ts";
import { useRules } from "./useTriage.ts";

export interface FoundRule {
  group: RuleGroup;
  rule: Rule;
}

export function useRule(id: string) {
  const rules = useRules();
  const found = useMemo((): FoundRule | null => {
    for (const group of rules.data ?? []) {
      const rule = group.rules.find((each) => ruleKey(group.name, each.name) === id);
      if (rule) return { group, rule };
    }
    return null;
  }, [rules.data, id]);
  return { rules, found };
}
