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
  document.documentElement.dataset.theme = choice === "system" ? (light ? "light" : "dark") : choice;
})();
