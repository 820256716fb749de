// Streamlit's own words in the lists of its fields, in the person's language. They are held by the
// English ones; %s stands for what is typed or counted.
window.studioListWords = WORDS;
if (!window.studioTranslatesLists) {
  window.studioTranslatesLists = true;
  const read = text => {
    for (const [english, word] of Object.entries(window.studioListWords)) {
      const [start, end] = english.split("%s");
      if (end === undefined ? text === english : text.startsWith(start) && text.endsWith(end))
        return word.replace("%s", () => text.slice(start.length, text.length - (end ?? "").length));
    }
    return text;
  };
  const OWN = '[data-key="__select_all__"], [data-key="__select_matches__"], [data-key="__creatable__"],'
    + ' [role="option"]:not([data-key])';
  const translate = () => {
    for (const list of document.querySelectorAll('[data-testid$="Dropdown"] [role="listbox"]'))
      for (const option of list.querySelectorAll(OWN)) {
        const texts = document.createTreeWalker(option, NodeFilter.SHOW_TEXT);
        for (let node = texts.nextNode(); node; node = texts.nextNode()) {
          const word = read(node.nodeValue);
          if (word !== node.nodeValue) node.nodeValue = word;
        }
      }
  };
  new MutationObserver(translate).observe(document.body, {childList: true, characterData: true, subtree: true});
}
