// How well a thing's name fits what was typed into the palette, from 0 to 1.

/** The beginning of a word is better than its middle, letters in their order are better than nothing. */
export function score(value: string, wanted: string): number {
  const text = value.toLowerCase();
  const search = wanted.trim().toLowerCase();
  if (search === "") return 1;
  const at = text.indexOf(search);
  if (at === 0) return 1;
  if (at > 0) return /[^a-z0-9]/.test(text.charAt(at - 1)) ? 0.9 : 0.7;
  let from = 0;
  for (const letter of search.replaceAll(" ", "")) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return 0.3;
}
