// Edits that are not saved yet: kept on this machine until they are saved or thrown away.

export interface Draft {
  /** The version the edits are based on. */
  version: number;
  text: string;
}

const KEY = "bellrock.draft.";

export function loadDraft(uid: string): Draft | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY + uid) ?? "null");
    if (typeof value !== "object" || value === null) return null;
    const { version, text } = value as Partial<Draft>;
    return typeof version === "number" && typeof text === "string" ? { version, text } : null;
  } catch {
    // No storage, or not ours: there is no draft then.
    return null;
  }
}

export function keepDraft(uid: string, draft: Draft | null): void {
  try {
    if (draft) localStorage.setItem(KEY + uid, JSON.stringify(draft));
    else localStorage.removeItem(KEY + uid);
  } catch {
    // As above: the draft lives as long as the page.
  }
}
