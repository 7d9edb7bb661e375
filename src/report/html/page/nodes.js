
// Nodes, waivers, attributes and profiles.

function drawNodes() {
  const host = byId("nodes");
  byId("nodes-title").textContent = "Nodes: " + grouped(left.nodes.length) + (left.nodes.length === nodes.length ? "" : " of " + grouped(nodes.length));
  if (left.nodes.length === 0) return refill(host, make("p", { class: "empty" }, nodes.length === 0 ? "No node was heard of." : "No node is left by what is chosen."));
  // Of a node that was not reached or begun its state says it all.
  const columns = [FAILED, ERRORED, UNRUN, WAIVED, SKIPPED, PASSED, NOT_APPLICABLE].filter((state) => left.nodes.some((node) => node.counts[state] > 0 && !node.error));
  const sorted = [...left.nodes].sort((a, b) => b.counts[FAILED] - a.counts[FAILED] || b.counts[ERRORED] - a.counts[ERRORED] || (b.error ? 1 : 0) - (a.error ? 1 : 0) || a.at - b.at);
  const body = make("tbody");
  const table = make("table", { class: "nodes" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Node"), make("th", { scope: "col" }, "State"), make("th", { scope: "col" }, "Platform"), make("th", { scope: "col" }, "User"),
      columns.map((state) => make("th", { scope: "col", class: "number" }, COLUMN_WORDS[state])),
      make("th", { scope: "col" }, "What is wrong"))), body);
  refill(host, make("div", { class: "wide" }, table));
  paged(body, sorted, 50, (node) => nodeRow(node, columns), "nodes", 2000);
}
const COLUMN_WORDS = ["passed", "failed", "errored", "skipped", "n/a", "waived", "out of reach", "never ran"];

function nodeRow(node, columns) {
  const wrong = left.controls.filter((control) => (control.state[node.at] === FAILED || control.state[node.at] === ERRORED) && isListed(control, node));
  const detail = make("tr", { class: "detail", hidden: true }, make("td", { colspan: String(columns.length + 5) }));
  const toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false" }, make("span", { class: "arrow", "aria-hidden": "true" }), make("span", { class: "title" }, node.name));
  const open = (wanted) => {
    if (wanted && !detail.firstChild.firstChild) put(detail.firstChild, nodeFacts(node));
    detail.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
  };
  toggle.addEventListener("click", () => open(detail.hidden));
  const platform = node.platform ? textOf(node.platform[0]) + " " + textOf(node.platform[1]) : "";
  const most = printing ? 8 : 5;
  const shown = printing ? wrong.slice(0, most).map((control) => textOf(control.id)).join(", ") + " " : wrong.slice(0, most).map((control) => [make("button", { type: "button", class: "name", onclick: () => { filter.open.add(control.key); choose({ control: control.key, node: node.name }); byId("list-title").scrollIntoView(); } }, textOf(control.id)), " "]);
  const row = make("tr", {}, make("th", { scope: "row" }, toggle), make("td", {}, nodeState(node)), make("td", { class: "short" }, platform), make("td", { class: "short" }, textOf(node.user)),
    columns.map((state) => make("td", { class: "number" + (node.counts[state] ? " " + STATES[state].name : " zero") }, node.error ? "" : grouped(node.counts[state]))),
    make("td", { class: "wrong" }, node.error ? make("span", { class: "reason" }, textOf(node.error)) : [shown, wrong.length > most && "and " + (wrong.length - most) + " more"]));
  if (filter.node === node.name || nodes.length === 1 || (printing && left.nodes.length <= 20)) open(true);
  return [row, detail];
}

function nodeState(node) {
  if (node.unstarted) return badge(UNRUN, "never started");
  if (node.error) return badge(UNREACHED, "out of reach");
  const unfinished = !node.done || node.done.interrupted;
  const worst = worstOf(node.counts);
  const words = worst === PASSED || worst === NOT_APPLICABLE ? "fine" : worst === ERRORED ? "errored" : undefined;
  const own = worst === NOTHING ? null : badge(worst, worst === PASSED || worst === NOT_APPLICABLE ? words : words || SHORT_WORDS[worst]);
  return unfinished ? [worst === FAILED || worst === ERRORED ? own : null, " ", badge(UNRUN, "not finished")] : own;
}

function nodeFacts(node) {
  const done = node.done;
  const facts = make("dl", { class: "about" },
    fact("Target", make("code", {}, node.target)),
    node.groups.length > 0 && fact("Groups", node.groups.map((group) => make("span", { class: "tag" }, textOf(group)))),
    node.platform && fact("Platform", node.platform.map(textOf).filter(Boolean).join(" · ")),
    node.user !== 0 && fact("Asked as", textOf(node.user)),
    node.error !== 0 && fact(node.unstarted ? "Never started" : "Out of reach", textOf(node.error)),
    done && fact("Took", duration(done.seconds) + ", " + countOf(done.rounds, "round", "rounds") + ", " + countOf(done.asked, "probe", "probes") + " asked, " + grouped(done.sent) + " sent" + (done.out + done.back > 0 ? ", " + bytes(done.out) + " out, " + bytes(done.back) + " in" : "")),
    (!done || done.interrupted) && fact("Interrupted", "not all of its controls were reported"),
    done && done.notes.length > 0 && fact(done.notes.length === 1 ? "Note" : "Notes", done.notes.map((note) => make("p", {}, textOf(note)))),
    node.profiles.filter(([, , why]) => why).map(([place, , why]) => fact("Does not apply", textOf(profiles[place].name) + ": " + textOf(why))));
  // On paper, and of one node, they are in the part of attributes alone.
  const attributes = node.profiles.filter(([, list]) => listOf(list).length > 0 && !printing && nodes.length > 1).map(([place, list]) => {
    const block = make("details", {}, make("summary", {}, "Attributes of " + textOf(profiles[place].name) + ": " + listOf(list).length), make("table", { class: "attributes" },
      make("thead", {}, make("tr", {}, ["Name", "Value", "From"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, listOf(list).map((number) => {
        const [name, , , value, origin] = run.attributes[number];
        return make("tr", {}, make("th", { scope: "row" }, make("code", {}, textOf(name))), make("td", {}, make("code", {}, textOf(value))), make("td", { class: "from" }, textOf(origin)));
      }))));
    block.open = listOf(list).length <= 12;
    return block;
  });
  const only = nodes.length > 1 && filter.node !== node.name && make("p", {}, make("button", { type: "button", onclick: () => { choose({ node: node.name }); byId("list-title").scrollIntoView(); } }, "Only this node"));
  return [facts, attributes, only];
}

function drawWaivers() {
  const by = new Map();
  for (const control of left.controls) {
    for (const node of nodes) {
      if (!isListed(control, node)) continue;
      const waiver = run.findings[control.finding[node.at]][3];
      if (!waiver) continue;
      const key = control.at + " " + waiver + " " + control.state[node.at];
      if (!by.has(key)) by.set(key, { control, waiver: run.waivers[waiver], state: control.state[node.at], on: [] });
      by.get(key).on.push(node);
    }
  }
  byId("waivers-section").hidden = by.size === 0;
  if (by.size === 0) return;
  const rows = [...by.values()].sort((a, b) => b.waiver[2] - a.waiver[2] || (textOf(a.waiver[1]) || "9").localeCompare(textOf(b.waiver[1]) || "9"));
  const body = make("tbody");
  refill(byId("waivers"), make("div", { class: "wide" }, make("table", {},
    make("thead", {}, make("tr", {}, ["Control", "Until", "Justification", "Result", nodes.length > 1 ? "Nodes" : null].filter(Boolean).map((name) => make("th", { scope: "col" }, name)))), body)));
  paged(body, rows, 100, ({ control, waiver: [justification, until, expired], state, on }) => make("tr", { class: expired ? "expired" : "" },
    make("th", { scope: "row" }, make("code", {}, textOf(control.id))),
    make("td", {}, textOf(until) || "no end", expired ? [" ", make("strong", { class: "expired-mark" }, "expired")] : null),
    make("td", {}, textOf(justification)), make("td", {}, badge(state)), nodes.length > 1 && make("td", {}, nodeButtons(on))), "waivers");
}

function drawAttributes() {
  const wanted = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = new Set(left.nodes);
  const blocks = [];
  for (const profile of profiles) {
    if (filter.profile && filter.profile !== profile.key) continue;
    const lists = new Map(), by = new Map();
    for (const node of nodes) {
      if (!shown.has(node)) continue;
      for (const [place, list] of node.profiles) {
        if (place !== profile.place) continue;
        if (!lists.has(list)) lists.set(list, []);
        lists.get(list).push(node);
      }
    }
    for (const [list, on] of lists) for (const number of listOf(list)) {
      if (!by.has(number)) by.set(number, []);
      by.get(number).push(...on);
    }
    if (by.size === 0) continue;
    const names = new Map();
    for (const [number, on] of by) {
      const name = run.attributes[number][0];
      if (!names.has(name)) names.set(name, []);
      names.get(name).push({ number, on: on.sort((a, b) => a.at - b.at) });
    }
    let rows = [...names.values()].flatMap((variants) => variants.sort((a, b) => b.on.length - a.on.length).map((variant, at) => ({ ...variant, at, of: variants.length })));
    const matching = rows.filter(({ number }) => wanted.every((word) => [0, 3, 4].some((part) => textOf(run.attributes[number][part]).toLowerCase().includes(word))));
    if (wanted.length > 0 && matching.length > 0) rows = matching;
    const body = make("tbody");
    const table = make("div", { class: "wide" }, make("table", { class: "attributes" },
      make("thead", {}, make("tr", {}, ["Attribute", "Type", "Value", "From", nodes.length > 1 ? "Nodes" : null].filter(Boolean).map((name) => make("th", { scope: "col" }, name)))), body));
    const most = names.size > 12 && wanted.length === 0;
    const block = make("details", { class: "of-profile" }, make("summary", {}, make("h3", {}, textOf(profile.name), " ", make("span", { class: "number" }, countOf(names.size, "attribute", "attributes")))), table);
    block.open = !most || printing;
    const fill = () => { if (!body.firstChild) paged(body, rows, 100, attributeRow, "values"); };
    if (block.open) fill();
    block.addEventListener("toggle", fill);
    blocks.push(block);
  }
  byId("attributes-section").hidden = blocks.length === 0;
  refill(byId("attributes"), blocks);
}

function attributeRow({ number, on, at, of }) {
  const [name, kind, flags, value, origin] = run.attributes[number];
  return make("tr", { class: at > 0 ? "variant" : "" },
    make("th", { scope: "row" }, make("code", {}, textOf(name)), at === 0 && of > 1 && make("small", {}, " " + of + " values")),
    make("td", { class: "short" }, textOf(kind), flags & 1 ? make("small", {}, " required") : null, flags & 2 ? make("small", {}, " sensitive") : null),
    make("td", {}, make("code", {}, textOf(value))), make("td", { class: "from" }, textOf(origin)),
    nodes.length > 1 && make("td", {}, onNodes(on.length), on.length < nodes.length && [": ", nodeButtons(on, 4)]));
}

function drawProfiles() {
  const blocks = profiles.filter((profile) => !filter.profile || filter.profile === profile.key).map((profile) => {
    const counts = new Uint32Array(STATES.length);
    for (const control of left.controls) if (control.profile === profile) control.counts.forEach((count, state) => { counts[state] += count; });
    const why = new Map();
    for (const node of left.nodes) for (const [place, , reason] of node.profiles) if (place === profile.place && reason) why.set(reason, [...(why.get(reason) || []), node]);
    return make("article", { class: "profile" },
      make("h3", {}, textOf(profile.name) + " " + textOf(profile.version)), profile.title !== 0 && make("p", {}, textOf(profile.title)),
      make("dl", { class: "about" },
        profile.summary !== 0 && fact("Summary", textOf(profile.summary)),
        counts.some(Boolean) && fact("Results", BY_WEIGHT.filter((state) => counts[state] > 0).map((state) => [badge(state, grouped(counts[state]) + " " + SHORT_WORDS[state]), " "])),
        fact("Controls", grouped(profile.controls.length)),
        profile.maintainer !== 0 && fact("Maintainer", textOf(profile.maintainer)),
        profile.license !== 0 && fact("License", textOf(profile.license)),
        profile.supports !== 0 && fact("Supports", make("code", {}, textOf(profile.supports))),
        [...why].slice(0, 10).map(([reason, on]) => fact("Does not apply", "to " + onNodes(on.length) + ": " + textOf(reason))),
        fact("SHA-256", make("code", { class: "digest" }, textOf(profile.sha256)))));
  });
  refill(byId("profiles"), blocks.length > 0 ? blocks : make("p", { class: "empty" }, "No profile was heard of."));
}
