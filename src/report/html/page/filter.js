
// What is chosen, and what of the run it leaves. The address of the page holds it.

const filter = { q: "", only: new Set(), profile: "", group: "", node: "", control: "", sort: "impact", order: "alike", open: new Set() };
const DEFAULTS = { sort: "impact", order: "alike" };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of ["q", "profile", "group", "node", "control"]) filter[name] = given.get(name) || "";
  for (const [name, value] of Object.entries(DEFAULTS)) filter[name] = given.get(name) || value;
  const wanted = (given.get("outcome") || "").split(".");
  filter.only = new Set(STATES.keys().filter((state) => wanted.includes(STATES[state].name)));
  filter.open = new Set(given.getAll("open"));
}

function writeAddress() {
  const given = new URLSearchParams();
  for (const name of ["q", "profile", "group", "node", "control"]) if (filter[name]) given.set(name, filter[name]);
  for (const [name, value] of Object.entries(DEFAULTS)) if (filter[name] !== value) given.set(name, filter[name]);
  if (filter.only.size > 0) given.set("outcome", [...filter.only].map((state) => STATES[state].name).join("."));
  for (const key of [...filter.open].slice(0, 20)) given.append("open", key);
  const hash = given.toString();
  if (location.hash.slice(1) === hash) return;
  // A page in a sandbox may have no history of its own; the filters work there, too.
  try { history.replaceState(null, "", "#" + hash); } catch { /* the address stays as it was */ }
}

/** Changes what is chosen and shows it. */
function choose(changes) {
  Object.assign(filter, changes);
  show();
}

const lower = [];
function lowered() {
  if (lower.length === 0) for (const text of run.texts) lower.push(text.toLowerCase());
  return lower;
}

/** For one word of the search: which controls, findings and nodes hold it. */
function holding(word) {
  const texts = Uint8Array.from(lowered(), (text) => text.includes(word));
  const any = (numbers) => numbers.some((number) => texts[number]);
  const steps = Uint8Array.from(run.steps, (step) => any(step.slice(1, 8)) || any(listOf(step[9])));
  return {
    texts,
    findings: Uint8Array.from(run.findings, ([, reason, list, waiver]) =>
      texts[reason] || (waiver && any(run.waivers[waiver].slice(0, 2))) || listOf(list).some((step) => steps[step])),
    controls: Uint8Array.from(controls, (control) =>
      any([control.id, control.title, control.desc, control.rationale, control.fix, control.file, control.profile.name]) ||
      control.tags.some(([name, values]) => texts[name] || any(values)) || control.refs.some((ref) => any(ref))),
    nodes: Uint8Array.from(nodes, (node) =>
      node.name.toLowerCase().includes(word) || node.target.toLowerCase().includes(word) ||
      any([node.user, node.error, ...node.groups, ...(node.platform || []), ...(node.done ? node.done.notes : [])])),
  };
}

/** What the filters leave: rows and columns of the map; below it also the chosen node and control. */
const left = { words: [], inMap: new Uint8Array(0), rows: [], columns: [], controls: [], nodes: [], results: 0 };

/** Whether a cell is in the map. */
const isInMap = (control, node) => left.inMap[control.at * nodes.length + node.at] === 1;

/** Whether a cell is in the lists. */
const isListed = (control, node) =>
  isInMap(control, node) && (!filter.node || filter.node === node.name) && (!filter.control || filter.control === control.key);

function sift() {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  left.words = words.map(holding);
  left.inMap = new Uint8Array(controls.length * nodes.length);
  left.results = 0;
  for (const node of nodes) {
    node.counts.fill(0);
    node.inMap = 0;
    node.fits = !filter.group || node.groups.some((group) => textOf(group) === filter.group);
  }
  for (const control of controls) {
    control.counts.fill(0);
    control.mapped.fill(0);
    control.inMap = 0;
    if (filter.profile && control.profile.key !== filter.profile) continue;
    const isChosen = !filter.control || filter.control === control.key;
    for (const node of nodes) {
      const state = control.state[node.at];
      if (state === NOTHING || !node.fits || (filter.only.size > 0 && !filter.only.has(state))) continue;
      const finding = control.finding[node.at];
      if (!left.words.every((word) => word.controls[control.at] || word.nodes[node.at] || word.findings[finding])) continue;
      left.inMap[control.at * nodes.length + node.at] = 1;
      control.inMap++;
      control.mapped[state]++;
      node.inMap++;
      if (!isChosen || (filter.node && filter.node !== node.name)) continue;
      control.counts[state]++;
      node.counts[state]++;
      left.results++;
    }
  }
  // The map stays as it is when a node or a control in it is chosen.
  left.rows = sorted(controls.filter((control) => control.inMap > 0), (control) => control.mapped);
  left.columns = nodes.filter((node) => node.inMap > 0);
  left.controls = sorted(left.rows.filter((control) => control.counts.some(Boolean)), (control) => control.counts);
  left.nodes = nodes.filter((node) => node.counts.some(Boolean) || (node.isBare && fitsBare(node)));
}

/** Whether a node without any result is left: one that is out of reach, say, before its profiles were known. */
function fitsBare(node) {
  const state = node.unstarted ? UNRUN : UNREACHED;
  return node.fits && !filter.control && !filter.profile && (!filter.node || filter.node === node.name) &&
    (filter.only.size === 0 || (node.error !== 0 && filter.only.has(state))) && left.words.every((word) => word.nodes[node.at]);
}

const bad = (counts) => counts[FAILED] + counts[ERRORED];

/** The kind of a control in the list, by the worst that came of it. */
const KINDS = [
  { name: "bad", title: "Failed or could not be checked" },
  { name: "unseen", title: "Looked at on no node" },
  { name: "waived", title: "Waived" },
  { name: "skipped", title: "Skipped" },
  { name: "passed", title: "Passed wherever it could be checked" },
  { name: "not_applicable", title: "Applies nowhere" },
];
function kindOf(counts) {
  if (bad(counts)) return 0;
  if (counts[WAIVED]) return 2;
  if (counts[SKIPPED]) return 3;
  if (counts[PASSED]) return 4;
  return counts[NOT_APPLICABLE] ? 5 : 1;
}

function sorted(list, countsOf) {
  const worse = (a, b) => bad(countsOf(b)) - bad(countsOf(a));
  const by = {
    impact: (a, b) => b.impact - a.impact || worse(a, b),
    nodes: (a, b) => worse(a, b) || b.impact - a.impact,
    profile: () => 0,
    id: (a, b) => textOf(a.id).localeCompare(textOf(b.id)),
  };
  const order = Object.hasOwn(by, filter.sort) ? by[filter.sort] : by.impact;
  return [...list].sort((a, b) => kindOf(countsOf(a)) - kindOf(countsOf(b)) || order(a, b) || a.at - b.at);
}
