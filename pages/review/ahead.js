// Shows the next samples of a review before the server has answered, and saves the decisions in order.
// A decision waits in the browser's session storage until the server says that it is stored.
const STORE = "studio_review_decisions", AGAIN = 4000;  // milliseconds without an answer
const state = (window.studioAhead ??= {queue: [], number: 0, component: null, held: null, listens: false});

const kept = () => { try { return JSON.parse(sessionStorage.getItem(STORE)) ?? {}; } catch { return {}; } };
const keep = () => sessionStorage.setItem(STORE, JSON.stringify({queue: state.queue, number: state.number}));

const ready = () => state.component && state.component.parentElement.isConnected;
const typing = target => target.closest?.('input, textarea, select, [contenteditable="true"], [role="dialog"]');

function write(place, name, text) { place.querySelector(`[data-part="${name}"]`).textContent = text; }

// The numbers of the progress with what waits to be stored; the server's own once it has answered.
function count() {
  const {data} = state.component, counts = {...data.counts};
  const states = {accept: "accepted", reject: "rejected"};
  state.queue.forEach((decision, at) => {
    const shown = at ? data.next[at - 1] : data.now, after = states[decision.action];
    if (!shown || !after || shown.id !== decision.id) return;
    counts[shown.state] -= 1;
    counts[after] += 1;
  });
  const total = counts.pending + counts.accepted + counts.rejected;
  const numbers = {...counts, total, reviewed: total - counts.pending};
  const place = document.querySelector('.st-key-review_progress [data-testid="stProgress"] p')?.firstChild;
  const said = data.progress.replace(/\{(\w+)\}/g, (_whole, name) => numbers[name]);
  if (place && place.data !== said) place.data = said;
}

function draw() {
  count();
  const {data, parentElement} = state.component, shown = data.next[state.queue.length - 1];
  const place = parentElement.querySelector(".ahead");
  place.hidden = !(state.queue.length && shown);
  document.documentElement.toggleAttribute("data-review-ahead", !place.hidden);
  if (place.hidden) return;
  for (const part of ["cell", "style", "number", "input", "output", "length"]) write(place, part, shown[part]);
}

// Decides the sample on screen and shows the next one. Returns whether it could.
function act(action) {
  const {data} = state.component, at = state.queue.length;
  const shown = at ? data.next[at - 1] : data.now, next = data.next[at];
  if (!shown || !next) return false;
  state.number += 1;
  state.queue.push({number: state.number, id: shown.id, version: shown.version, action, next: next.id});
  keep();
  draw();
  send();
  return true;
}

// A value that differs from the one before is sent, even where the same decisions are in it.
function send() {
  state.component.setStateValue("decisions", {sent: Date.now(), queue: [...state.queue]});
  state.sent = Date.now();
}

function swallow(event) { event.preventDefault(); event.stopImmediatePropagation(); }

function onKey(event) {
  if (event.studio || !ready() || !state.component.data.active || typing(event.target)) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing) return;
  const action = state.component.data.keys[event.key.toLowerCase()];
  if (action && act(action)) return swallow(event);
  if (!state.queue.length || event.key.length > 1) return;
  swallow(event);  // it is about the sample on screen, which the server does not show yet
  state.held = () => {
    const again = new KeyboardEvent("keydown", {key: event.key, code: event.code, bubbles: true});
    again.studio = true;
    document.body.dispatchEvent(again);
  };
}

function onClick(event) {
  if (event.studio || !ready() || !event.target.closest?.('[data-testid="stMain"]')) return;
  const button = event.target.closest("button");
  const key = button && [...(button.closest('[class*="st-key-"]')?.classList ?? [])]
    .find(name => name.startsWith("st-key-"));
  const action = {"st-key-accept": "accept", "st-key-reject": "reject", "st-key-next": "next"}[key];
  if (action && state.component.data.active && act(action)) return swallow(event);
  if (!state.queue.length || !key) return;
  swallow(event);
  state.held = () => document.querySelector(`.${key} button`)?.click();
}

function onTouch(event) {
  const touch = event.changedTouches[0];
  if (event.type === "touchstart") { state.touch = {x: touch.clientX, y: touch.clientY}; return; }
  if (!state.touch || !ready() || !event.target.closest?.(".st-key-reading")) return;
  const x = touch.clientX - state.touch.x, y = touch.clientY - state.touch.y;
  if (Math.abs(x) < 80 || Math.abs(y) > Math.abs(x) / 2) return;
  document.querySelector(`.st-key-${x < 0 ? "next" : "previous"} button`)?.click();
}

function listen() {
  if (state.listens) return;
  state.listens = true;
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("click", onClick, true);
  setInterval(() => { if (state.queue.length && ready() && Date.now() - state.sent > AGAIN) send(); }, 1000);
  for (const kind of ["touchstart", "touchend"]) window.addEventListener(kind, onTouch, {passive: true});
}

export default function (component) {
  const first = !state.component;
  state.component = component;
  if (first) {
    const {queue = [], number = 0} = kept();
    state.queue = queue;
    state.number = Math.max(number, state.number);
  }
  if (component.data.refused !== state.refused) {  // what waits was meant for a sample after the refused one
    state.refused = component.data.refused;
    state.held = null;
  }
  const left = state.queue.filter(decision => decision.number > component.data.stored);
  const answered = left.length < state.queue.length;
  state.queue = left;
  keep();
  listen();
  draw();
  if (first && left.length) send();
  if (answered && !left.length && state.held) {
    const held = state.held;
    state.held = null;
    setTimeout(held, 30);
  }
  return () => {
    if (state.component === component) state.component = null;
    document.documentElement.removeAttribute("data-review-ahead");
  };
}
