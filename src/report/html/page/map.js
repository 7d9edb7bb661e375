
// The map: a row a control, a column a node. A canvas draws what is in view, so that a thousand
// nodes cost no more than twenty; labels are real buttons. Every state has a form of its own
// besides its colour, which holds down to a column of one pixel.

const ROW = 20, FEW = 4, WIDTHS = [0, 3, 6, 12, 22, 34];
const map = { widthAt: 0, allRows: false, rows: [], columns: [], cursor: { row: 0, column: 0 }, ready: null };

/** What each state looks like: colour, and from where to where in the height of a row. */
const FORM = {
  [PASSED]: ["--passed-pale", 0, 1], [FAILED]: ["--failed", 0, 1], [ERRORED]: ["--errored", 0, 0.55], [SKIPPED]: ["--skipped", 0.32, 0.68],
  [NOT_APPLICABLE]: ["--na", 0.44, 0.56], [WAIVED]: ["--waived", 0.55, 1], [UNREACHED]: ["--unreached", 0, 1], [UNRUN]: ["--unreached", 0, 1],
};

function drawMap() {
  const section = byId("map-section");
  section.hidden = left.rows.length === 0;
  if (section.hidden) return;
  const few = left.columns.length <= FEW;
  byId("map-tools").hidden = few;
  byId("map-title").textContent = few ? "Controls at a glance" : "Map of " + grouped(left.columns.length) + " nodes and " + countOf(left.rows.length, "control", "controls");
  refill(byId("map-text").querySelector("div"));
  byId("map-text").open = false;
  byId("readout").textContent = "";
  if (few) return drawTiles();
  const noteworthy = left.rows.filter((control) => control.state.some((state, at) => state !== PASSED && state !== NOT_APPLICABLE && state !== UNREACHED && state !== UNRUN && isInMap(control, nodes[at])));
  const plain = left.rows.length - noteworthy.length;
  map.rows = map.allRows || noteworthy.length === 0 ? left.rows : noteworthy;
  map.columns = ordered(left.columns);
  if (printing) return drawPaper();
  const toggle = byId("rows");
  toggle.hidden = plain === 0 || noteworthy.length === 0;
  toggle.textContent = countOf(plain, "row", "rows") + " without findings";
  toggle.setAttribute("aria-pressed", String(map.allRows));
  byId("map-hint").textContent = "A row is a control, a column a node. Click a cell, a control or a node (top row) to choose it; the arrow keys move, Enter chooses.";
  buildCanvas();
}

/** Nodes that were not looked at come after the others. */
const LAST = { [UNREACHED]: "x", [UNRUN]: "y", [NOTHING]: "z" };

/** The columns, those alike side by side unless another order is chosen. */
function ordered(columns) {
  if (filter.order === "name") return [...columns].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  if (filter.order === "plan") return columns;
  const pattern = new Map(columns.map((node) => [node, map.rows.map((control) => LAST[control.state[node.at]] || WEIGHT[control.state[node.at]]).join("")]));
  const compare = (a, b) => (pattern.get(a) < pattern.get(b) ? -1 : pattern.get(a) > pattern.get(b) ? 1 : a.at - b.at);
  return [...columns].sort(compare);
}

function buildCanvas() {
  const host = byId("map");
  const [x, y] = map.scroll && map.scroll.isConnected ? [map.scroll.scrollLeft, map.scroll.scrollTop] : [0, 0];
  const labels = make("div", { class: "map-labels" });
  const canvas = make("canvas", {
    tabindex: "0", role: "application", "aria-roledescription": "map", "aria-describedby": "map-hint",
    "aria-label": "Map of " + countOf(map.rows.length, "control", "controls") + " on " + countOf(map.columns.length, "node", "nodes") + ". Arrow keys move, Enter chooses. Below is the same as text.",
  });
  const field = make("div", { class: "map-field" }, canvas);
  const scroll = make("div", { class: "map-scroll" }, labels, field);
  refill(host, scroll);
  Object.assign(map, { scroll, canvas, field, labels });
  map.label = Math.min(270, Math.round(host.clientWidth * 0.42));
  labels.style.width = map.label + "px";
  canvas.style.left = map.label + "px";
  const corner = make("div", { class: "map-corner" }, "any control");
  labels.append(corner);
  for (const control of map.rows) {
    const chosen = filter.control === control.key;
    const button = make("button", {
      type: "button", class: "map-label", "aria-pressed": String(chosen), title: textOf(control.title) || textOf(control.id),
      onclick: () => choose({ control: chosen ? "" : control.key }),
    }, make("span", { class: "impact " + control.severity }, control.impact.toFixed(1)), make("span", { class: "id" }, textOf(control.id)));
    labels.append(button);
  }
  scroll.addEventListener("scroll", () => requestAnimationFrame(paint));
  canvas.addEventListener("mousemove", (event) => read(at(event)));
  canvas.addEventListener("mouseleave", () => { byId("readout").textContent = ""; });
  canvas.addEventListener("click", (event) => { const cell = at(event); if (cell) { map.cursor = cell; pick(cell); } });
  canvas.addEventListener("keydown", keyInMap);
  canvas.addEventListener("focus", () => { speak(); paint(); });
  canvas.addEventListener("blur", paint);
  map.cursor.row = Math.min(map.cursor.row, map.rows.length - 1);
  map.cursor.column = Math.min(map.cursor.column, map.columns.length - 1);
  measure();
  scroll.scrollTo(x, y);
}

/** How wide columns are, and how high the heads above them. */
function measure() {
  const room = Math.max(120, byId("map").clientWidth - map.label - 2);
  const fit = Math.min(34, room / map.columns.length);
  const widths = [fit, ...WIDTHS.filter((width) => width > fit + 0.5)];
  map.widthAt = Math.min(map.widthAt, widths.length - 1);
  map.width = widths[map.widthAt];
  byId("narrower").hidden = byId("wider").hidden = widths.length === 1;
  byId("narrower").disabled = map.widthAt === 0;
  byId("wider").disabled = map.widthAt === widths.length - 1;
  const longest = Math.max(...map.columns.map((node) => node.name.length));
  map.head = map.width >= 14 ? Math.min(150, Math.ceil(longest * 6.3) + 8) : 0;
  map.top = map.head + ROW;
  const height = map.top + map.rows.length * ROW + 2;
  map.field.style.width = Math.ceil(map.columns.length * map.width) + "px";
  map.field.style.height = height + "px";
  map.labels.firstChild.style.height = map.top + "px";
  const most = Math.max(300, Math.round(innerHeight * 0.72));
  map.scroll.style.height = Math.min(height, most) + (map.columns.length * map.width > room + 1 ? 16 : 0) + "px";
  map.view = { width: Math.min(room, Math.ceil(map.columns.length * map.width)), height: Math.min(height, most) };
  const density = Math.min(3, devicePixelRatio || 1);
  map.canvas.width = Math.round(map.view.width * density);
  map.canvas.height = Math.round(map.view.height * density);
  map.canvas.style.width = map.view.width + "px";
  map.canvas.style.height = map.view.height + "px";
  map.density = density;
  paint();
}

function paint() {
  if (!map.canvas || !map.canvas.isConnected) return;
  const context = map.canvas.getContext("2d");
  const style = getComputedStyle(document.body);
  const colours = {};
  const colour = (name) => (colours[name] ||= style.getPropertyValue(name).trim());
  const { width, head, top, rows, columns } = map;
  const [x0, y0] = [map.scroll.scrollLeft, map.scroll.scrollTop];
  context.setTransform(map.density, 0, 0, map.density, 0, 0);
  context.fillStyle = colour("--paper");
  context.fillRect(0, 0, map.view.width, map.view.height);
  const firstRow = Math.max(0, Math.floor(y0 / ROW) - 1), lastRow = Math.min(rows.length, Math.ceil((y0 + map.view.height - top) / ROW));
  const first = Math.max(0, Math.floor(x0 / width) - 1), last = Math.min(columns.length, Math.ceil((x0 + map.view.width) / width) + 1);
  const gap = width >= 5 ? 1 : 0;
  // The worst last: where a column is narrower than a pixel it is what stays to be seen.
  const passes = [...BY_WEIGHT].reverse();
  const hasLetters = width >= 11;
  // On whole pixels of the screen: else columns that are narrower shimmer.
  const pixel = (column) => Math.round((column * width - x0) * map.density) / map.density;
  const cell = (state, column, y, isDim) => {
    const x = pixel(column), w = Math.max(1 / map.density, pixel(column + 1) - x - gap), h = ROW - 3;
    const isUnseen = state === UNREACHED || state === UNRUN;
    const [name, from, to] = hasLetters && state !== NOT_APPLICABLE ? [FORM[state][0], 0, 1] : FORM[state];
    context.globalAlpha = isDim ? 0.18 : 1;
    if (isUnseen || to - from < 1) {
      context.fillStyle = colour("--cell");
      context.fillRect(x, y + 1, w, h);
    }
    context.fillStyle = colour(name);
    if (!isUnseen) context.fillRect(x, y + 1 + Math.round(h * from), w, Math.max(2, Math.round(h * (to - from))));
    else if (!hasLetters) for (let stripe = state === UNREACHED ? 1 : 4; stripe < h; stripe += state === UNREACHED ? 4 : 8) context.fillRect(x, y + 1 + stripe, w, 1.5);
    if (hasLetters && state !== PASSED && state !== NOT_APPLICABLE) {
      context.font = "bold 11px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = colour(isUnseen ? "--unreached" : state === ERRORED ? "--on-mark" : "--on-strong");
      context.fillText(STATES[state].mark, x + w / 2, y + 2 + h / 2);
    }
    context.globalAlpha = 1;
  };
  for (const pass of passes) {
    for (let row = firstRow; row < lastRow; row++) {
      const control = rows[row];
      const y = top + row * ROW - y0;
      if (y + ROW < top) continue;
      for (let column = first; column < last; column++) {
        const node = columns[column];
        if (control.state[node.at] === pass) cell(pass, column, y, !isInMap(control, node));
      }
    }
  }
  context.fillStyle = colour("--paper");
  context.fillRect(0, 0, map.view.width, top);
  const worst = columns.map((node) => worstInMap(node));
  for (const pass of passes) for (let column = first; column < last; column++) if (worst[column] === pass) cell(pass, column, head, false);
  context.fillStyle = colour("--line");
  context.fillRect(0, top - 1, map.view.width, 1);
  if (head > 0) {
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (let column = first; column < last; column++) {
      context.save();
      context.translate(column * width - x0 + width / 2, head - 4);
      context.rotate(-Math.PI / 2);
      context.fillStyle = colour(filter.node === columns[column].name ? "--accent" : "--ink");
      context.fillText(cut(columns[column].name, 23), 0, 0);
      context.restore();
    }
  }
  outline(context, colour, x0, y0);
}

const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

/** Frames what is chosen and, with the keyboard there, the cursor. */
function outline(context, colour, x0, y0) {
  const { width, head, top, rows, columns } = map;
  const frame = (x, y, w, h, name, thick) => {
    context.strokeStyle = colour(name);
    context.lineWidth = thick;
    context.strokeRect(x, y, w, h);
  };
  const row = rows.findIndex((control) => control.key === filter.control);
  if (filter.control && row >= 0 && row * ROW - y0 > -ROW) frame(1, top + row * ROW - y0, Math.min(map.view.width, columns.length * width) - 2, ROW - 1, "--accent", 2);
  const column = columns.findIndex((node) => node.name === filter.node);
  if (filter.node && column >= 0) frame(column * width - x0 - 1, head, Math.max(3, width + 1), map.view.height - head - 1, "--accent", 2);
  if (document.activeElement === map.canvas) {
    const y = map.cursor.row < 0 ? head : top + map.cursor.row * ROW - y0;
    frame(map.cursor.column * width - x0 - 2, y - 1, Math.max(6, width + 3), ROW, "--focus", 3);
  }
}

function worstInMap(node) {
  let worst = NOTHING;
  for (const control of left.rows) {
    if (!isInMap(control, node)) continue;
    const state = control.state[node.at];
    if (worst === NOTHING || WEIGHT[state] < WEIGHT[worst]) worst = state;
  }
  return worst;
}

/** The cell below the mouse; row -1 is the row of nodes. */
function at(event) {
  const box = map.canvas.getBoundingClientRect();
  const x = event.clientX - box.left + map.scroll.scrollLeft, y = event.clientY - box.top;
  const column = Math.floor(x / map.width);
  const row = y < map.top ? -1 : Math.floor((y - map.top + map.scroll.scrollTop) / ROW);
  return column >= 0 && column < map.columns.length && row < map.rows.length ? { row, column } : null;
}

function wordsOf({ row, column }) {
  const node = map.columns[column], control = map.rows[row];
  if (!control) {
    const worst = worstInMap(node);
    return node.name + ": " + (worst === NOTHING ? "nothing to show" : worst === PASSED || worst === NOT_APPLICABLE ? "nothing is wrong" : "at worst " + STATES[worst].words);
  }
  const state = control.state[node.at];
  return node.name + " · " + textOf(control.id) + ": " + (state === NOTHING ? "was not to run there" : STATES[state].words);
}

function read(cell) { byId("readout").textContent = cell ? wordsOf(cell) : ""; }

function speak() {
  byId("spoken").textContent = wordsOf(map.cursor);
  read(map.cursor);
}

/** Chooses a cell, or takes the choice back where it is chosen already. */
function pick({ row, column }) {
  const node = map.columns[column].name, control = map.rows[row];
  const key = control ? control.key : "";
  const again = filter.node === node && filter.control === key;
  if (key && !again) filter.open.add(key);
  choose(again ? { node: "", control: "" } : { node, control: key });
}

function keyInMap(event) {
  const { cursor, rows, columns } = map;
  const page = Math.max(1, Math.floor(columns.length / 20));
  const moves = {
    ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
    Home: [0, -columns.length], End: [0, columns.length], PageUp: [0, -page], PageDown: [0, page],
  };
  if (moves[event.key]) {
    cursor.row = Math.max(-1, Math.min(rows.length - 1, cursor.row + moves[event.key][0]));
    cursor.column = Math.max(0, Math.min(columns.length - 1, cursor.column + moves[event.key][1]));
    follow();
    speak();
    paint();
  } else if (event.key === "Enter" || event.key === " ") {
    pick(cursor);
  } else if (event.key === "n") {
    choose({ node: filter.node === columns[cursor.column].name ? "" : columns[cursor.column].name });
  } else if (event.key === "c" && rows[cursor.row]) {
    choose({ control: filter.control === rows[cursor.row].key ? "" : rows[cursor.row].key });
  } else {
    return;
  }
  event.preventDefault();
  map.canvas.focus({ preventScroll: true });
}

/** Scrolls the map to its cursor. */
function follow() {
  const { scroll, width, cursor, view, top } = map;
  const x = cursor.column * width, y = cursor.row * ROW;
  if (x < scroll.scrollLeft) scroll.scrollLeft = x;
  if (x + width > scroll.scrollLeft + view.width) scroll.scrollLeft = x + width - view.width;
  if (y < scroll.scrollTop) scroll.scrollTop = Math.max(0, y);
  if (y + ROW > scroll.scrollTop + view.height - top) scroll.scrollTop = y + ROW - view.height + top;
}

/** The map as a table: each control with the nodes by what came of it there. */
function mapInWords(event) {
  if (!event.target.open) return;
  const rows = left.rows.map((control) => {
    const by = STATES.map(() => []);
    for (const node of nodes) if (isInMap(control, node)) by[control.state[node.at]].push(node);
    const words = BY_WEIGHT.filter((state) => by[state].length > 0).map((state) => make("li", {}, STATES[state].words + " on " + onNodes(by[state].length) + (nodes.length === 1 ? "" : ": " + namesOf(by[state], 12))));
    return make("tr", {}, make("th", { scope: "row" }, textOf(control.id)), make("td", {}, make("ul", {}, words)));
  });
  refill(event.target.querySelector("div"), make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Control"), make("th", { scope: "col" }, "What came of it"))), make("tbody", {}, rows)));
}
