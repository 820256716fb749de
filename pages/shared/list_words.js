// Streamlit's own words in the lists of its fields and in its dialogs, and those that are only read aloud or stand in an empty
// field, in the person's language. They are held by the English ones; %s stands for what is typed, counted
// or named.
window.studioListWords = WORDS;
window.studioLabelWords = LABELS;
window.studioDialogWords = DIALOGS;
if (!window.studioTranslatesLists) {
  window.studioTranslatesLists = true;
  const read = (text, words = window.studioListWords) => {
    for (const [english, word] of Object.entries(words)) {
      const [start, end] = english.split("%s");
      if (end === undefined ? text === english : text.startsWith(start) && text.endsWith(end))
        return word.replace("%s", () => text.slice(start.length, text.length - (end ?? "").length));
    }
    return text;
  };
  const OWN = '[data-key="__select_all__"], [data-key="__select_matches__"], [data-key="__creatable__"],'
    + ' [role="option"]:not([data-key])';
  const translateIn = (root, words) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const word = read(node.nodeValue, words);
      if (word !== node.nodeValue) node.nodeValue = word;
    }
  };
  const translate = () => {
    for (const list of document.querySelectorAll('[data-testid$="Dropdown"] [role="listbox"]'))
      for (const option of list.querySelectorAll(OWN)) translateIn(option, window.studioListWords);
    for (const dialog of document.querySelectorAll('[role="dialog"]'))
      translateIn(dialog, window.studioDialogWords);
  };
  const NAMED = ["aria-label", "placeholder"];
  const name = element => {
    for (const attribute of NAMED) {
      const said = element.getAttribute(attribute), word = said && read(said, window.studioLabelWords);
      if (word && word !== said) element.setAttribute(attribute, word);
    }
  };
  const nameAll = root => {
    name(root);
    root.querySelectorAll("[aria-label], [placeholder]").forEach(name);
  };
  const changed = records => {
    translate();
    for (const {type, target, addedNodes} of records) {
      if (type === "attributes") name(target);
      for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) nameAll(node);
    }
  };
  new MutationObserver(changed).observe(document.body,
    {childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: NAMED});
  nameAll(document.body);
  translate();
}
