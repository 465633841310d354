// Who acts: kept on this machine until there is a login, and written to acknowledgements and silences.
import { createPreference } from "../../lib/store.ts";

export const person = createPreference<string>("person", null, "");
