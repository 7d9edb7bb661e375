
// The bar of filters, keys, print, and the start.

function drawBar() {
  const toggles = byId("outcomes");
  const had = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.state : undefined;
  refill(toggles, BY_WEIGHT.filter((state) => TOTALS[state] > 0).map((state) => {
    const isOn = filter.only.has(state);
    const toggled = () => {
      const only = new Set(filter.only);
      if (!only.delete(state)) only.add(state);
      choose({ only });
    };
    return make("button", { type: "button", class: "state " + STATES[state].name, "aria-pressed": String(isOn), "data-state": String(state), title: isOn ? "Show other results again" : "Show these results only", onclick: toggled },
      make("span", { class: "mark", "aria-hidden": "true" }, STATES[state].mark), " ", make("b", {}, grouped(TOTALS[state])), " ", SHORT_WORDS[state]);
  }));
  if (had !== undefined) toggles.querySelector("[data-state='" + Number(had) + "']")?.focus();
  const chips = [];
  const chip = (name, value, changes) => chips.push(make("button", { type: "button", class: "chip", "aria-label": "Remove " + name + " " + value, onclick: () => choose(changes) }, name + ": ", make("b", {}, value), make("span", { "aria-hidden": "true" }, " ×")));
  if (filter.node) chip("node", filter.node, { node: "" });
  if (filter.control) chip("control", filter.control, { control: "" });
  if (filter.group) chip("group", filter.group, { group: "" });
  if (filter.profile) chip("profile", filter.profile, { profile: "" });
  if (filter.q) chip("search", filter.q, { q: "" });
  if (filter.only.size > 0) chip("only", [...filter.only].map((state) => SHORT_WORDS[state]).join(", "), { only: new Set() });
  if (chips.length > 1) chips.push(make("button", { type: "button", class: "chip clear", onclick: clearAll }, "Clear all"));
  refill(byId("chosen"), chips);
  const all = TOTALS.reduce((sum, count) => sum + count, 0);
  byId("count").textContent = left.results === all
    ? grouped(all) + " results of " + countOf(controls.length, "control", "controls") + " on " + countOf(nodes.length, "node", "nodes")
    : grouped(left.results) + " of " + grouped(all) + " results shown: " + countOf(left.controls.length, "control", "controls") + " on " + countOf(left.nodes.length, "node", "nodes");
  const search = byId("search");
  if (search.value.trim() !== filter.q) search.value = filter.q;
  for (const name of ["profile", "group", "sort", "order"]) byId(name).value = filter[name];
}

function clearAll() {
  choose({ q: "", only: new Set(), profile: "", group: "", node: "", control: "" });
}

/** Shows the page as it is chosen to be. */
function show() {
  const refocus = focused();
  sift();
  drawBar();
  drawMap();
  drawControls();
  drawNodes();
  drawWaivers();
  drawAttributes();
  drawProfiles();
  for (const to of document.querySelectorAll("#jump a")) to.hidden = byId(to.getAttribute("href").slice(1)).closest("section").hidden;
  if (!printing) writeAddress();
  refocus();
}

/** Gives the focus back to what is drawn anew in place of what has it now. */
function focused() {
  const had = document.activeElement;
  const host = had && had !== document.body && !had.id && had.closest("[id]");
  if (!host) return () => {};
  const of = (element) => element.tagName + element.className + (element.getAttribute("aria-label") || element.textContent);
  const [id, key, outer] = [host.id, of(had), had.closest("section, #bar")];
  return () => {
    if (had.isConnected) return;
    const within = byId(id) || outer;
    const again = within && [...within.querySelectorAll(had.tagName)].find((element) => of(element) === key);
    (again || (outer && outer.querySelector("h2[tabindex]")))?.focus({ preventScroll: true });
  };
}

function options(select, first, names) {
  refill(select, make("option", { value: "" }, first), names.map((name) => make("option", { value: name }, name)));
}

const THEMES = ["", "dark", "light"];
let themeNow = "";
function theme(given) {
  themeNow = given = THEMES.includes(given) ? given : "";
  if (given) document.documentElement.dataset.theme = given;
  else delete document.documentElement.dataset.theme;
  byId("theme").textContent = { "": "◐ Colours: system", dark: "● Colours: dark", light: "○ Colours: light" }[given];
  paint();
}
function keptTheme() {
  try { return localStorage.getItem("probity-theme") || ""; } catch { return ""; }
}
function keepTheme(given) {
  // A page in a sandbox may keep nothing; the switch works all the same.
  try { localStorage.setItem("probity-theme", given); } catch { /* not kept */ }
}

function printed(now) {
  if (printing === now) return;
  printing = now;
  document.documentElement.classList.toggle("printing", now);
  show();
  if (now) for (const article of document.querySelectorAll("article.bad, article.waived, article.skipped, article.unseen")) article.openBody(true);
}

function wire() {
  options(byId("profile"), "all", profiles.map((profile) => profile.key));
  byId("profile-field").hidden = profiles.length < 2;
  const groups = [...new Set(nodes.flatMap((node) => node.groups))].map(textOf).sort();
  options(byId("group"), "all", groups);
  byId("group-field").hidden = groups.length === 0;
  let waiting = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => choose({ q: event.target.value.trim() }), 120);
  });
  for (const name of ["profile", "group", "sort", "order"]) byId(name).addEventListener("change", (event) => choose({ [name]: event.target.value }));
  byId("rows").addEventListener("click", () => { map.allRows = !map.allRows; drawMap(); });
  byId("wider").addEventListener("click", () => { map.widthAt++; measure(); });
  byId("narrower").addEventListener("click", () => { map.widthAt--; measure(); });
  byId("map-text").addEventListener("toggle", mapInWords);
  byId("open-all").addEventListener("click", () => {
    for (const article of document.querySelectorAll("article.bad")) { article.openBody(true); filter.open.add(article.dataset.key); }
    writeAddress();
  });
  byId("close-all").addEventListener("click", () => {
    for (const article of document.querySelectorAll("article.control.open")) article.openBody(false);
    filter.open.clear();
    writeAddress();
  });
  byId("theme").addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(themeNow) + 1) % THEMES.length];
    keepTheme(next);
    theme(next);
  });
  // The address holds what is chosen, so links within the page must not change it.
  for (const to of document.querySelectorAll("#jump a, #skip")) {
    to.addEventListener("click", (event) => {
      event.preventDefault();
      const title = byId(to.getAttribute("href").slice(1));
      title.focus({ preventScroll: true });
      title.scrollIntoView();
    });
  }
  addEventListener("keydown", (event) => {
    const isTyping = event.target.matches && event.target.matches("input, select, textarea");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); byId("search").focus(); }
    if (event.key === "Escape" && !isTyping && (filter.node || filter.control)) choose({ node: "", control: "" });
  });
  addEventListener("hashchange", () => { readAddress(); show(); });
  addEventListener("resize", () => { if (map.canvas && map.canvas.isConnected && !printing) measure(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint());
  addEventListener("beforeprint", () => printed(true));
  addEventListener("afterprint", () => printed(false));
}

readAddress();
byId("app").hidden = false;
byId("skip").hidden = false;
wire();
theme(keptTheme());
show();
// Only now: had the script failed, the short form would still be there.
byId("plain").remove();
