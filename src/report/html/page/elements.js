
// Making elements. Texts go in as text and nothing else; no markup is ever parsed.

const byId = (id) => document.getElementById(id);

/** An element with attributes, handlers (`onclick: f`) and children, which are elements or text. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  put(element, children);
  return element;
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    element.append(child.nodeType ? child : String(child));
  }
}

/** Puts children in place of those an element has. */
function refill(element, ...children) {
  element.replaceChildren();
  put(element, children);
}

/** A state with its mark, told apart by shape as well as colour. */
function badge(state, words) {
  const { name, mark, words: own } = STATES[state];
  return make("span", { class: "badge " + name }, make("span", { class: "mark", "aria-hidden": "true" }, mark), " ", words || own);
}

/** A link where the address is one of the web, else its text. */
function link(text, address) {
  if (!/^https?:\/\//i.test(address)) return make("span", {}, text);
  return make("a", { href: address, rel: "noreferrer noopener nofollow", target: "_blank" }, text);
}

/** A button that chooses a node. */
function nodeButton(node) {
  const chosen = filter.node === node.name;
  return make("button", { type: "button", class: "name", "aria-pressed": String(chosen), title: "Only this node", onclick: () => choose({ node: chosen ? "" : node.name }) }, node.name);
}

/** The first of some nodes as buttons, the others behind one more; on paper their names. */
function nodeButtons(list, most = 8) {
  if (printing) return make("span", { class: "names-on-paper" }, namesOf(list, 40));
  const span = make("span", { class: "names" });
  const fill = (count) => {
    refill(span, list.slice(0, count).map((node) => [nodeButton(node), " "]));
    const left = list.length - count;
    if (left > 0) {
      span.append(make("button", { type: "button", class: "more", onclick: () => fill(Math.min(list.length, count + 200)) }, "and " + grouped(left) + " more"));
    }
  };
  fill(list.length <= most + 2 ? list.length : most);
  return span;
}

/** The first of many rows, and a button for the next; on paper how many are missing. */
function paged(parent, items, size, row, what, onPaper = 60) {
  let at = 0;
  const next = (count) => {
    for (const end = Math.min(items.length, at + count); at < end; at++) put(parent, [row(items[at])]);
    const left = items.length - at;
    if (left === 0) return;
    const more = printing
      ? make("p", { class: "left-out" }, "And " + grouped(left) + " more " + what + ", left out on paper; run-json has them.")
      : make("div", { class: "more-rows" },
        make("button", { type: "button", onclick: () => { more.remove(); next(size); } }, "Show " + grouped(Math.min(left, size)) + " more of " + grouped(left) + " " + what),
        left > size && make("button", { type: "button", onclick: () => { more.remove(); next(left); } }, "Show all"));
    const table = parent.closest("table");
    if (table) table.after(more); else parent.append(more);
  };
  next(printing ? Math.max(size, onPaper) : size);
}

let printing = false;
