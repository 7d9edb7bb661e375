
// The map on paper: lines of a drawing instead of a canvas, which browsers print blurred or
// out of scale. Cells of one state in a row are one rectangle.

const PAPER = { width: 690, label: 190, rowHeight: 12, rows: 44 };

function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  put(element, children);
  return element;
}

function drawPaper() {
  const rows = map.rows.slice(0, PAPER.rows), columns = map.columns;
  const width = Math.min(24, (PAPER.width - PAPER.label) / columns.length);
  const longest = Math.max(...columns.map((node) => Math.min(node.name.length, 20)));
  const head = width >= 10 ? longest * 5 + 6 : 0, top = head + PAPER.rowHeight + 2;
  const height = top + rows.length * PAPER.rowHeight;
  const parts = [];
  const band = (y, stateOf) => {
    for (let from = 0; from < columns.length; ) {
      const state = stateOf(columns[from]);
      let to = from + 1;
      while (to < columns.length && stateOf(columns[to]) === state && width < 10) to++;
      if (state !== NOTHING) parts.push(...mark(state, PAPER.label + from * width, y, (to - from) * width));
      from = to;
    }
  };
  const mark = (state, x, y, w) => {
    const { name, mark: letter } = STATES[state], h = PAPER.rowHeight - 2, gap = width >= 10 ? 1 : 0;
    const [, from, to] = width >= 10 && state !== NOT_APPLICABLE ? [0, 0, 1] : FORM[state];
    const shape = draw("rect", { class: name, x: x.toFixed(2), y: (y + h * from).toFixed(2), width: Math.max(0.6, w - gap).toFixed(2), height: Math.max(1, h * (to - from)).toFixed(2) });
    if (width < 10 || state === PASSED || state === NOT_APPLICABLE) return [shape];
    return [shape, draw("text", { class: "letter " + name, x: (x + (w - gap) / 2).toFixed(2), y: y + h - 2, "text-anchor": "middle" }, letter)];
  };
  if (head > 0) columns.forEach((node, at) => parts.push(draw("text", { transform: "translate(" + (PAPER.label + (at + 0.5) * width + 3).toFixed(2) + " " + (head - 2) + ") rotate(-90)" }, cut(node.name, 20))));
  parts.push(draw("text", { x: PAPER.label - 6, y: head + 9, "text-anchor": "end" }, "any control"));
  band(head, worstInMap);
  rows.forEach((control, row) => {
    const y = top + row * PAPER.rowHeight;
    parts.push(draw("text", { x: 0, y: y + 8.5 }, control.impact.toFixed(1) + "  " + cut(textOf(control.id), 32)));
    band(y, (node) => (isInMap(control, node) ? control.state[node.at] : NOTHING));
  });
  const words = "Map of " + countOf(rows.length, "control", "controls") + " on " + countOf(columns.length, "node", "nodes");
  refill(byId("map"), draw("svg", { class: "paper-map", viewBox: "0 0 " + PAPER.width + " " + height, width: PAPER.width, height, role: "img", "aria-label": words }, parts),
    map.rows.length > rows.length && make("p", { class: "left-out" }, "And " + countOf(map.rows.length - rows.length, "more control", "more controls") + ", which follow in the list."));
}
