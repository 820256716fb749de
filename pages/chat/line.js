// Keeps what is typed below the chat in the browser's storage until the server has it, and puts it back into
// the empty field of a page that is opened again.
const FIELD = '.st-key-chat_free textarea', OFTEN = 100, PATIENCE = 5000;  // ms
const state = (window.studioLine ??= {sent: 0, listens: false, store: "", asked: ""});

function onInput(event) {
  if (!event.target.matches?.(FIELD)) return;
  if (event.target.value) localStorage.setItem(state.store, event.target.value);
  else localStorage.removeItem(state.store);
}

// React notices a value only where its own setter is passed by.
function fill(field, text) {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, text);
  field.dispatchEvent(new Event("input", {bubbles: true}));
}

function restore(until) {
  // What was asked last is there already, where a page was opened again before it heard so.
  if (localStorage.getItem(state.store) === state.asked) localStorage.removeItem(state.store);
  const field = document.querySelector(FIELD), text = localStorage.getItem(state.store);
  if (field && !field.disabled) {
    if (!field.dataset.studioLine && !field.value && text) fill(field, text);
    field.dataset.studioLine = "restored";
  } else if (performance.now() < until) setTimeout(restore, OFTEN, until);
}

export default function ({data}) {
  state.store = `studio_chat_line:${data.who}`;
  if (!state.listens) document.addEventListener("input", onInput, true);
  state.listens = true;
  if (data.number > state.sent && localStorage.getItem(state.store) === data.text) localStorage.removeItem(state.store);
  state.sent = data.number;
  if (!state.asked) state.asked = data.asked;
  if (data.ready) restore(performance.now() + PATIENCE);
}
