// One entry of the browser's history for each page, with the address that the page had when it was left.
//
// On the way to another page Streamlit first takes out of the address what belongs to the page that is left,
// and makes an entry of that; a page that completes its own address makes another. So Back led to the same
// page, and then to the earlier one without its tab and its filters. Here an entry within one page is made
// only where a person did something on the page that did not lead away from it.
if (!window.studioHistoryEntries) {
  window.studioHistoryEntries = true;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  let before = null, acted = false, later = 0;
  const forget = () => {
    clearTimeout(later);
    before = null;
  };
  const stayed = () => { // what the person did changed the address, but not the page
    const now = location.href;
    if (acted && before !== now) {
      replace({}, "", before);
      push({}, "", now);
    }
    forget();
  };
  history.pushState = (state, title, address) => {
    const next = new URL(address ?? location.href, location.href);
    if (next.pathname === location.pathname) {
      before ??= location.href;
      replace(state, title, address);
      clearTimeout(later);
      later = setTimeout(stayed, 400);
      return;
    }
    if (before) replace(state, title, before);
    forget();
    acted = false;
    push(state, title, address);
  };
  window.addEventListener("popstate", () => {
    forget();
    acted = false;
  }, true);
  for (const kind of ["pointerdown", "keydown"])
    window.addEventListener(kind, event => { acted ||= event.isTrusted; }, true);
}
