// Sets the colour theme before the first paint. A blocking external script, because inline scripts are not allowed by
// the content security policy.
(() => {
  let choice = "system";
  try {
    choice = localStorage.getItem("bellrock.theme") ?? "system";
  } catch {
    // Storage can be denied; the system theme is then used.
  }
  const light = window.matchMedia("(prefers-color-scheme: light)").matches;
  const more = window.matchMedia("(prefers-contrast: more)").matches;
  const system = more ? "high-contrast" : light ? "light" : "dark";
  document.documentElement.dataset.theme = choice === "system" ? system : choice;
})();
