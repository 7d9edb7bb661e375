
// The list of controls, each with what the profile says of it and what was found.

const FINDINGS_AT_ONCE = 20;

function drawControls() {
  const host = byId("controls");
  refill(host);
  byId("list-title").textContent = "Controls: " + grouped(left.controls.length) + (left.controls.length === controls.length ? "" : " of " + grouped(controls.length));
  if (left.controls.length === 0) {
    host.append(make("p", { class: "empty" }, controls.length === 0 ? "No control was heard of." : "No result is left by what is chosen. ",
      controls.length > 0 && make("button", { type: "button", onclick: clearAll }, "Show all")));
    return;
  }
  KINDS.forEach((kind, number) => {
    const list = left.controls.filter((control) => kindOf(control.counts) === number);
    if (list.length === 0) return;
    // What is fine is out of the way, unless it is all there is or was asked for.
    const isQuiet = number >= 4 && !filter.q && !filter.control && list.length > 12 && list.length < left.controls.length;
    const inner = make("div", { class: "kind-rows" });
    const fill = () => { if (!inner.firstChild) paged(inner, list, 300, controlRow, "controls", 2000); };
    const group = make("details", { class: "kind " + kind.name },
      make("summary", {}, make("h3", {}, kind.title, " ", make("span", { class: "number" }, grouped(list.length)))), inner);
    group.open = !isQuiet || list.some((control) => filter.open.has(control.key));
    if (group.open || printing) fill();
    if (printing) group.open = true;
    group.addEventListener("toggle", fill);
    host.append(group);
  });
}

function controlRow(control) {
  const body = make("div", { class: "body", id: "body-" + control.at, hidden: true });
  const isOpen = () => !body.hidden;
  const toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": body.id },
    make("span", { class: "arrow", "aria-hidden": "true" }),
    make("span", { class: "title" }, make("code", { class: "id" }, textOf(control.id)), " ", textOf(control.title)));
  const open = (wanted) => {
    if (wanted && !body.firstChild) put(body, controlBody(control));
    body.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
    article.classList.toggle("open", wanted);
  };
  toggle.addEventListener("click", () => {
    open(!isOpen());
    if (isOpen()) filter.open.add(control.key); else filter.open.delete(control.key);
    writeAddress();
  });
  const article = make("article", { class: "control " + KINDS[kindOf(control.counts)].name, "data-key": control.key },
    make("div", { class: "line" }, impactOf(control), make("h4", {}, toggle), standing(control)), body);
  article.openBody = open;
  if (filter.open.has(control.key) || filter.control === control.key || (printing && kindOf(control.counts) <= 3)) open(true);
  return article;
}

function impactOf(control) {
  return make("span", { class: "impact " + control.severity, title: "Impact" }, control.impact.toFixed(1), make("small", {}, " " + control.severity));
}

/** What came of a control, as a bar over the nodes and in words. */
function standing(control) {
  const { counts } = control;
  const there = BY_WEIGHT.filter((state) => counts[state] > 0);
  const total = there.reduce((sum, state) => sum + counts[state], 0);
  if (total === 1 || nodes.length === 1) return make("span", { class: "standing" }, badge(there[0]));
  const bar = make("span", { class: "share", "aria-hidden": "true" });
  for (const state of there) {
    const part = make("span", { class: STATES[state].name });
    part.style.flexGrow = counts[state];
    bar.append(part);
  }
  // What holds for most of them, or for the node as a whole, the bar shows.
  const worded = [there.filter((state) => [FAILED, ERRORED, WAIVED, SKIPPED].includes(state)), there.filter((state) => state !== UNREACHED && state !== UNRUN), there].find((list) => list.length > 0);
  const words = worded.slice(0, 3).map((state) => badge(state, grouped(counts[state]) + " " + SHORT_WORDS[state]));
  return make("span", { class: "standing" }, words, bar);
}
const SHORT_WORDS = ["passed", "failed", "errored", "skipped", "n/a", "waived", "out of reach", "never ran"];

function controlBody(control) {
  const by = new Map();
  for (const node of nodes) {
    if (!isListed(control, node)) continue;
    const state = control.state[node.at], key = state === UNREACHED || state === UNRUN ? -state : control.finding[node.at];
    if (!by.has(key)) by.set(key, { state, number: control.finding[node.at], on: [] });
    by.get(key).on.push(node);
  }
  const found = [...by.values()].sort((a, b) => WEIGHT[a.state] - WEIGHT[b.state] || b.on.length - a.on.length);
  const prose = [["Rationale", control.rationale], ["Description", control.desc], ["Fix", control.fix]].filter(([, text]) => text)
    .map(([name, text]) => make("div", { class: "prose " + name.toLowerCase() }, make("h5", {}, name), make("p", {}, textOf(text))));
  const findings = make("div", { class: "findings" });
  const kinds = alike(found);
  paged(findings, kinds, FINDINGS_AT_ONCE, (kind) => (kind.length > 1 ? variantsBlock(kind) : findingBlock(kind[0], found, control.profile)), "findings");
  const about = make("dl", { class: "about" },
    fact("Profile", textOf(control.profile.name) + " " + textOf(control.profile.version)),
    fact("Impact", control.impact.toFixed(1) + " (" + control.severity + ")"),
    control.tags.length > 0 && fact("Tags", control.tags.map(([name, values]) => make("span", { class: "tag" }, textOf(name), values.length > 0 ? ": " + values.map(textOf).join(", ") : ""))),
    control.refs.length > 0 && fact("References", make("ul", {}, control.refs.map(([text, address]) => make("li", {}, link(textOf(text), textOf(address)))))),
    fact("Source", make("code", {}, textOf(control.file) + ":" + control.line)));
  return [make("div", { class: "said-of" }, prose), findings, about, source(control)];
}

const fact = (name, ...value) => [make("dt", {}, name), make("dd", {}, value)];

/** The Lua of a control with the numbers of its lines. */
function source(control) {
  if (!control.code) return null;
  const lines = textOf(control.code).split("\n");
  const numbers = lines.map((_, line) => control.line + line).join("\n");
  return make("details", { class: "source" }, make("summary", {}, "Lua of the control"),
    make("div", { class: "code" }, make("pre", { class: "lines", "aria-hidden": "true" }, numbers), make("pre", { tabindex: "0" }, make("code", {}, textOf(control.code)))));
}

/** Findings of the same steps that differ only in what was found, together. */
function alike(found) {
  const kinds = new Map();
  for (const finding of found) {
    const [, , list, waiver, attempts] = run.findings[finding.number];
    const asked = others(list).map(([outcome, sentence, expected, , , , , file, line]) => [outcome, sentence, expected, file, line]);
    const isBad = finding.state === FAILED || finding.state === ERRORED;
    const key = isBad && asked.length > 0 ? JSON.stringify([finding.state, waiver, attempts, asked]) : String(kinds.size);
    if (!kinds.has(key)) kinds.set(key, []);
    kinds.get(key).push(finding);
  }
  return [...kinds.values()].sort((a, b) => WEIGHT[a[0].state] - WEIGHT[b[0].state] || sum(b) - sum(a));
}
const sum = (kind) => kind.reduce((count, { on }) => count + on.length, 0);

/** The steps of a list that did not pass. */
const others = (list) => listOf(list).map((step) => run.steps[step]).filter((step) => step[0] !== PASSED);

/** What several findings have in common, then what each found and where. */
function variantsBlock(kind) {
  const { state, number } = kind[0];
  const waiver = run.findings[number][3];
  const steps = kind.map((finding) => others(run.findings[finding.number][2]));
  const differing = steps[0].map((_, at) => steps.some((own) => own[at][3] !== steps[0][at][3] || own[at][4] !== steps[0][at][4]));
  const body = make("tbody");
  const rows = kind.map((finding, at) => ({ on: finding.on, reason: run.findings[finding.number][1], steps: steps[at].filter((_, step) => differing[step]) }));
  const section = make("section", { class: "finding " + STATES[state].name },
    make("h5", {}, badge(state), " on ", onNodes(sum(kind)), ", with " + grouped(kind.length) + " different findings"),
    waiver ? waiverNote(run.waivers[waiver], state) : null,
    steps[0].map((step, at) => stepBlock(differing[at] ? [...step.slice(0, 3), 0, 0, 0, ...step.slice(6)] : step)),
    make("table", { class: "variants" }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "found"), make("th", { scope: "col" }, "on"))), body));
  paged(body, rows, FINDINGS_AT_ONCE, ({ on, reason, steps: own }) => make("tr", {},
    make("td", {}, reason !== 0 && !own.some((step) => step[4] === reason) && make("p", {}, textOf(reason)), own.map(([, , expected, found, message], at) => [at > 0 ? " · " : "",
      found ? make("code", {}, textOf(found)) : null, message && message !== found && !repeats(message, expected, found) ? " " + textOf(message) : null])),
    make("td", {}, nodeButtons(on))), "findings");
  return section;
}

function findingBlock({ state, number, on }, all, profile) {
  const [kind, reason, list, waiver, attempts, leftPassed, leftOthers] = run.findings[number];
  const isQuiet = state === PASSED || state === NOT_APPLICABLE || state === UNREACHED || state === UNRUN;
  const head = [badge(state), " on ", onNodes(on.length), attempts > 1 && " after " + attempts + " attempts"];
  const where = nodes.length > 1 && make("p", { class: "where" }, nodeButtons(on));
  const inner = [];
  if (state === UNREACHED || state === UNRUN) {
    const reasons = new Set(on.map((node) => textOf(node.error)).filter(Boolean));
    if (reasons.size > 0) inner.push(make("p", { class: "reason" }, [...reasons][0], reasons.size > 1 && " (and " + countOf(reasons.size - 1, "other reason", "other reasons") + "; the table of nodes has each)"));
  } else if (kind === OWN_REASON_OF_PROFILE) {
    const reasons = new Set(on.flatMap((node) => node.profiles.filter(([place, , why]) => why && place === profile.place).map(([, , why]) => textOf(why))));
    inner.push([...reasons].slice(0, 10).map((why) => make("p", { class: "reason" }, why)));
  }
  if (waiver) inner.push(waiverNote(run.waivers[waiver], state));
  const steps = listOf(list).map((step) => run.steps[step]);
  if (reason && !steps.some((step) => step[4] === reason)) inner.push(make("p", { class: "reason" }, textOf(reason)));
  const bads = steps.filter((step) => step[0] !== PASSED), passed = steps.filter((step) => step[0] === PASSED);
  inner.push(bads.map(stepBlock));
  if (leftOthers > 0) inner.push(make("p", { class: "left-out" }, "And " + countOf(leftOthers, "more step", "more steps") + " that did not pass: left out here, since the page would grow too large to open; run-json has them."));
  if (passed.length > 0) {
    const shown = passed.map(stepBlock);
    if (isQuiet) inner.push(shown);
    else inner.push(make("details", { class: "passed-steps" }, make("summary", {}, countOf(passed.length + leftPassed, "step", "steps") + " passed"), shown));
  }
  if (leftPassed > 0) inner.push(make("p", { class: "left-out" }, (passed.length > 0 ? "And " : "") + countOf(leftPassed, "step", "steps") + " that passed: left out here, since the page would grow too large to open; run-json has them."));
  const content = inner.flat().filter(Boolean);
  if (!isQuiet || all.length === 1) return make("section", { class: "finding " + STATES[state].name }, make("h5", {}, head), where, content);
  return make("section", { class: "finding quiet " + STATES[state].name },
    make("details", {}, make("summary", {}, make("h5", {}, head)), where, content));
}

function waiverNote([justification, until, expired], state) {
  const when = until ? textOf(until) : "";
  const words = expired ? "Waiver expired" + (when ? " after " + when : "") + ", it no longer holds: " : (state === WAIVED ? "Waived" : "A waiver stands") + (when ? " until " + when : " without end") + ": ";
  return make("p", { class: "waiver" + (expired ? " expired" : "") }, make("strong", {}, words), textOf(justification));
}

/** One step: what it says, what was expected and found, on what that rests. */
function stepBlock([outcome, sentence, expected, found, message, traceback, , file, line, evidence]) {
  const looked = listOf(evidence).map(textOf);
  return make("div", { class: "step " + STATES[outcome].name },
    make("p", { class: "sentence " + STATES[outcome].name }, make("span", { class: "mark", role: "img", "aria-label": STATES[outcome].words }, STATES[outcome].mark), " ", textOf(sentence)),
    make("dl", {},
      expected ? fact("expected", make("code", {}, textOf(expected))) : null,
      found ? fact("found", make("code", {}, textOf(found))) : null,
      message && message !== found && !repeats(message, expected, found) ? fact("why", textOf(message)) : null,
      looked.length > 0 ? fact("evidence", looked.map((text, at) => [at > 0 ? " · " : "", make("code", {}, text)])) : null,
      fact("at", make("code", {}, textOf(file) + ":" + line)),
      traceback ? fact("traceback", make("pre", {}, textOf(traceback))) : null));
}

/** Whether a message only says again what was expected and found. */
function repeats(message, expected, found) {
  const [text, wanted, seen] = [message, expected, found].map(textOf);
  return found !== 0 && text.includes(seen) && (expected === 0 ? text.length <= seen.length + 8 : text.includes(wanted) || text === "found " + seen);
}
