
// The map of very few nodes: a tile a control.

function drawTiles() {
  byId("map-hint").textContent = "A tile is a control, the worst first. Click one to choose it; the arrow keys move.";
  const blocks = left.columns.map((node) => {
    const tiles = left.rows.filter((control) => isInMap(control, node));
    const block = make("div", { class: "tiles", role: "group", "aria-label": "Controls on " + node.name });
    tiles.sort((a, b) => WEIGHT[a.state[node.at]] - WEIGHT[b.state[node.at]] || b.impact - a.impact || a.at - b.at);
    tiles.forEach((control, index) => {
      const { name, words, mark } = STATES[control.state[node.at]];
      const chosen = filter.control === control.key && (!filter.node || filter.node === node.name);
      const about = textOf(control.id) + ": " + words;
      const select = () => {
        if (!chosen) filter.open.add(control.key);
        choose(chosen ? { node: "", control: "" } : { node: nodes.length > 1 ? node.name : "", control: control.key });
      };
      const point = () => { byId("readout").textContent = (nodes.length > 1 ? node.name + " · " : "") + about + (control.title ? " · " + textOf(control.title) : ""); };
      block.append(make("button", {
        type: "button", class: "tile " + name, tabindex: index === 0 ? "0" : "-1", "aria-pressed": String(chosen), "aria-label": about,
        onclick: select, onmouseenter: point, onfocus: point,
      }, make("span", { "aria-hidden": "true" }, mark)));
    });
    block.addEventListener("keydown", moveInTiles);
    return [left.columns.length > 1 || nodes.length > 1 ? make("h3", { class: "tiles-title" }, nodeButton(node)) : null, block];
  });
  refill(byId("map"), blocks);
}

function moveInTiles(event) {
  const tiles = [...event.currentTarget.children];
  const from = tiles.indexOf(document.activeElement);
  if (from < 0) return;
  const beside = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -beside, ArrowDown: beside, Home: -from, End: tiles.length - 1 - from };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const to = Math.max(0, Math.min(tiles.length - 1, from + moves[event.key]));
  tiles[from].tabIndex = -1;
  tiles[to].tabIndex = 0;
  tiles[to].focus();
}
