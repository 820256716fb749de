// Lets the entries of a list be dragged to another place, by mouse, by finger at the handle, or by Alt and an
// arrow key. The entries are those of the component itself, or elements of the page that a selector names.
const FAR = 6;  // pixels from which a press becomes a drag
const WAIT = 2000;  // ms in which a list that has sent a move takes no other, until it is drawn anew
const state = (window.studioDragging ??= {lists: new Map(), drag: null, listens: false});

const entries = list => [...(list.place ?? document).querySelectorAll(list.selector)];
const unmark = () => document.querySelectorAll("[data-drop]").forEach(entry => entry.removeAttribute("data-drop"));

function found(target) {
  for (const list of state.lists.values()) {
    const from = entries(list).findIndex(entry => entry.contains(target));
    if (from >= 0) return {list, from};
  }
  return null;
}

function move(list, from, to) {
  if (from === to || to < 0 || to >= entries(list).length || performance.now() < list.until) return;
  list.until = performance.now() + WAIT;
  list.send({start: from, to});
}

function onDown(event) {
  if (event.button || (event.pointerType !== "mouse" && !event.target.closest?.("[data-handle]"))) return;
  const drag = found(event.target);
  if (drag) state.drag = {...drag, x: event.clientX, y: event.clientY, moving: false, to: drag.from};
}

function onMove(event) {
  const {drag} = state;
  if (!drag) return;
  if (!drag.moving && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR) return;
  drag.moving = true;
  document.getSelection()?.removeAllRanges();
  unmark();
  const all = entries(drag.list);
  const over = all.findIndex(entry => {
    const box = entry.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top
      && event.clientY <= box.bottom;
  });
  drag.to = over < 0 ? drag.from : over;
  if (drag.to !== drag.from) all[drag.to].dataset.drop = drag.to < drag.from ? "before" : "after";
  event.preventDefault();
}

function onUp(event) {
  const {drag} = state;
  state.drag = null;
  unmark();
  if (!drag?.moving || event.type === "pointercancel") return;
  window.addEventListener("click", swallow, {capture: true, once: true});  // the press chose nothing
  setTimeout(() => window.removeEventListener("click", swallow, {capture: true}));
  move(drag.list, drag.from, drag.to);
}

function swallow(event) { event.preventDefault(); event.stopImmediatePropagation(); }

function onKey(event) {
  const step = {ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1}[event.key];
  if (!event.altKey || !step) return;
  const at = found(event.target);
  if (!at) return;
  swallow(event);
  move(at.list, at.from, at.from + step);
}

function write(place, texts) {
  if (place.dataset.texts === JSON.stringify(texts)) return;
  place.dataset.texts = JSON.stringify(texts);
  place.replaceChildren(...texts.map(text => {
    const entry = document.createElement("li"), handle = document.createElement("span");
    handle.dataset.handle = "";
    handle.textContent = "⠿ ";
    entry.tabIndex = 0;
    entry.append(handle, text);
    return entry;
  }));
}

export default function ({data, parentElement, setTriggerValue}) {
  const place = parentElement.querySelector("ol");
  write(place, data.texts);
  const send = moved => setTriggerValue("moved", moved);
  const part = data.selector ? {selector: data.selector} : {selector: "li", place};
  state.lists.set(data.name, {...part, send, until: 0});
  if (!state.listens) {
    window.addEventListener("pointerdown", onDown, true);
    window.addEventListener("pointermove", onMove, {capture: true, passive: false});
    for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, onUp, true);
    window.addEventListener("keydown", onKey, true);
  }
  state.listens = true;
  return () => { state.lists.delete(data.name); };
}
