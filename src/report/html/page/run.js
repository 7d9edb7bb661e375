"use strict";
// The run: what src/report/html/run.rs wrote, with its numbers resolved where it is cheap.

const run = JSON.parse(document.getElementById("run").textContent);

/** What can come of a control on a node, in the order of the numbers. */
const STATES = [
  { name: "passed", words: "passed", mark: "✓" },
  { name: "failed", words: "failed", mark: "✕" },
  { name: "errored", words: "could not be checked", mark: "!" },
  { name: "skipped", words: "skipped", mark: "S" },
  { name: "not_applicable", words: "does not apply", mark: "–" },
  { name: "waived", words: "waived", mark: "W" },
  { name: "unreached", words: "node out of reach", mark: "U" },
  { name: "unrun", words: "never ran", mark: "N" },
];
const [PASSED, FAILED, ERRORED, SKIPPED, NOT_APPLICABLE, WAIVED, UNREACHED, UNRUN] = STATES.keys();
const NOTHING = 255;
/** From the worst to the best, as they weigh on a control or a node. */
const BY_WEIGHT = [FAILED, ERRORED, UNREACHED, UNRUN, WAIVED, SKIPPED, PASSED, NOT_APPLICABLE];
const WEIGHT = STATES.map((_, state) => BY_WEIGHT.indexOf(state));
/** The state of each kind of finding; the last was not to run there at all. */
const OF_KIND = [PASSED, FAILED, ERRORED, SKIPPED, NOT_APPLICABLE, WAIVED, UNREACHED, NOT_APPLICABLE, UNRUN, NOTHING];
const OWN_REASON_OF_NODE = 6, OWN_REASON_OF_PROFILE = 7;

const textOf = (number) => run.texts[number] || "";
const listOf = (number) => run.lists[number] || [];

const nodes = run.nodes;
nodes.forEach((node, at) => {
  node.at = at;
  node.counts = new Uint32Array(STATES.length);
  node.isBare = true;
});

const profiles = run.profiles;
const controls = [];
profiles.forEach((profile, place) => {
  profile.place = place;
  const alike = profiles.filter((other) => textOf(other.name) === textOf(profile.name)).length > 1;
  profile.key = textOf(profile.name) + (alike ? "@" + textOf(profile.version) + "." + textOf(profile.sha256).slice(0, 8) : "");
  profile.controls.forEach((control, order) => {
    control.at = controls.length;
    control.profile = profile;
    control.order = order;
    control.key = profile.key + "/" + textOf(control.id);
    control.finding = new Int32Array(nodes.length).fill(-1);
    control.state = new Uint8Array(nodes.length).fill(NOTHING);
    control.counts = new Uint32Array(STATES.length);
    control.mapped = new Uint32Array(STATES.length);
    let at = 0;
    for (let pair = 0; pair < control.cells.length; pair += 2) {
      const number = control.cells[pair], kind = run.findings[number][0];
      for (const end = at + control.cells[pair + 1]; at < end; at++) {
        control.finding[at] = number;
        if (OF_KIND[kind] !== NOTHING) nodes[at].isBare = false;
        control.state[at] = kind === OWN_REASON_OF_NODE && nodes[at].unstarted ? UNRUN : OF_KIND[kind];
      }
    }
    control.cells = null;
    controls.push(control);
  });
});

/** Counts of all results by state, whatever is chosen. */
const TOTALS = new Uint32Array(STATES.length);
for (const control of controls) for (const state of control.state) if (state !== NOTHING) TOTALS[state]++;

/** The worst of some counts; NOTHING where there are none. */
function worstOf(counts) {
  const found = BY_WEIGHT.find((state) => counts[state] > 0);
  return found === undefined ? NOTHING : found;
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const countOf = (number, one, more) => grouped(number) + " " + (number === 1 ? one : more);

/** `3 of 200 nodes`. */
function onNodes(count) {
  if (nodes.length === 1) return "the node";
  if (count === nodes.length) return "all " + grouped(count) + " nodes";
  return grouped(count) + " of " + countOf(nodes.length, "node", "nodes");
}

/** Names in a row that count up as their ends: `web1 … web28, db3`. */
function namesOf(list, most) {
  const parts = [];
  for (let from = 0; from < list.length; ) {
    if (parts.length === most) {
      parts.push("and " + grouped(list.length - from) + " more");
      break;
    }
    let to = from + 1;
    while (to < list.length && countsUp(list[to - 1].name, list[to].name)) to++;
    if (to - from < 4) to = from + 1;
    parts.push(to - from === 1 ? list[from].name : list[from].name + " … " + list[to - 1].name);
    from = to;
  }
  return parts.join(", ");
}

/** Whether the one number in which two names differ is one higher in the second. */
function countsUp(one, other) {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  while (same > 0 && /\d/.test(one[same - 1])) same--;
  const [a, b] = [one, other].map((name) => /^(\d{1,15})(.*)$/s.exec(name.slice(same)));
  return !!a && !!b && a[2] === b[2] && Number(a[1]) + 1 === Number(b[1]);
}

/** Seconds as people say them. */
function duration(seconds) {
  if (seconds < 1) return Math.round(seconds * 1000) + " ms";
  if (seconds < 60) return seconds.toFixed(1) + " s";
  return Math.floor(seconds / 60) + " min " + Math.round(seconds % 60) + " s";
}

/** Bytes as people say them, in powers of 1000. */
function bytes(count) {
  if (count < 1000) return count + " B";
  return count < 1e6 ? Math.round(count / 1000) + " KB" : (count / 1e6).toFixed(1) + " MB";
}
