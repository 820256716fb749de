// Offers the placeholders of a template while a person types one: after "{" a list of those that fit, chosen by
// arrow keys and Enter, or by a click.
const LIST = "studio-offered";
const state = (window.studioOffering ??= {targets: [], field: null, at: 0, listens: false});

const list = () => document.getElementById(LIST);
const close = () => { list()?.remove(); state.field?.removeAttribute("aria-activedescendant"); state.field = null; };

// The beginning of a placeholder before the cursor, with the fields that can follow.
function begun(field) {
  const target = state.targets.find(each => field.matches?.(each.selector));
  const typed = target && field.value.slice(0, field.selectionStart).match(/\{([a-z_]*)$/);
  const fits = typed ? target.fields.filter(each => each.name.startsWith(typed[1])) : [];
  return fits.length ? {start: field.selectionStart - typed[1].length, fits} : null;
}

function draw(field, fits) {
  close();
  state.field = field;
  state.at = 0;
  const shown = document.createElement("ul"), box = field.getBoundingClientRect();
  shown.id = LIST;
  shown.setAttribute("role", "listbox");
  shown.setAttribute("aria-label", state.label);
  for (const each of fits) {
    const option = document.createElement("li"), name = document.createElement("b");
    name.textContent = `{${each.name}}`;
    option.append(name, ` ${each.meaning}`);
    option.id = `${LIST}-${each.name}`;
    option.dataset.name = each.name;
    option.setAttribute("role", "option");
    option.addEventListener("mousedown", event => { event.preventDefault(); insert(each.name); });
    shown.append(option);
  }
  shown.style.left = `${box.left}px`;
  const below = innerHeight - box.bottom;
  if (below > 180 || below > box.top) shown.style.top = `${box.bottom + 2}px`;
  else shown.style.bottom = `${innerHeight - box.top + 2}px`;
  (document.querySelector(".stApp") ?? document.body).append(shown);
  mark();
}

function mark() {
  [...list().children].forEach((option, at) => option.setAttribute("aria-selected", at === state.at));
  const marked = list().children[state.at];
  marked.scrollIntoView({block: "nearest"});
  state.field.setAttribute("aria-activedescendant", marked.id);
}

// React notices a value only where its own setter is passed by.
function insert(name) {
  const field = state.field, found = begun(field);
  close();
  if (!found) return;
  const rest = field.value.slice(field.selectionStart).replace(/^\}/, "");
  const before = `${field.value.slice(0, found.start)}${name}}`;
  const kind = field.tagName === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, before + rest);
  field.dispatchEvent(new Event("input", {bubbles: true}));
  field.setSelectionRange(before.length, before.length);
}

function onInput(event) {
  const found = event.isTrusted && begun(event.target);
  if (found) draw(event.target, found.fits); else close();
}

function onKey(event) {
  if (!list() || event.target !== state.field || event.isComposing) return;
  const count = list().children.length, step = {ArrowDown: 1, ArrowUp: count - 1}[event.key];
  if (step) { state.at = (state.at + step) % count; mark(); }
  else if (event.key === "Enter" || event.key === "Tab") insert(list().children[state.at].dataset.name);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

export default function ({data}) {
  Object.assign(state, {targets: data.targets, label: data.label});
  if (!state.listens) {
    document.addEventListener("input", onInput, true);
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("focusout", close, true);
    document.addEventListener("scroll", event => { if (event.target !== list()) close(); }, true);
  }
  state.listens = true;
  return () => { state.targets = []; close(); };
}
