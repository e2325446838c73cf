// As the system is, light, or dark.
const themes = { auto: "light dark", light: "light", dark: "dark" };
function set_theme(name) {
  document.documentElement.style.colorScheme = themes[name];
  $("theme").replaceChildren(icon("sleeping"), word(name));
  $("theme").ariaLabel = `Theme: ${name}`;
  $("theme").onclick = () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[name];
    set_theme(next);
    try { localStorage.theme = next; } catch { /* Then it lasts as long as the page. */ }
  };
}
let kept;
try { kept = localStorage.theme; } catch { /* There is no storage. */ }
set_theme(themes[kept] ? kept : "auto");
