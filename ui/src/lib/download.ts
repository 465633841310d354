// Hands a text to the browser as a file.

/** By then a large file has been read, too. */
const READ_MS = 30_000;

/** `parts` follow one another in the file. */
export function download(name: string, parts: string | readonly string[], type = "application/json"): void {
  const url = URL.createObjectURL(new Blob(typeof parts === "string" ? [parts] : [...parts], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), READ_MS);
}
