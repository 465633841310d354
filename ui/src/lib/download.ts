// Hands a text to the browser as a file.

/** `parts` follow one another in the file. */
export function download(name: string, parts: string | readonly string[], type = "application/json"): void {
  const url = URL.createObjectURL(new Blob(typeof parts === "string" ? [parts] : [...parts], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
