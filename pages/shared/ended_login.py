"""An open page whose login has ended leads to the login and back, in place of Streamlit's own dialog."""

import streamlit as st

from pages.shared.visitors import accounts

_SCRIPT = """<script>
if (!window.studioWatchesLogin) {
  window.studioWatchesLogin = true;
  const look = () => fetch(location.href, {headers: {Accept: 'text/html'}, redirect: 'manual'})
    .then(answer => { if (answer.type === 'opaqueredirect') location.reload(); }, () => {});
  new MutationObserver(() => {
    const app = document.querySelector('[data-testid=stApp]');
    if (app && app.dataset.testConnectionState !== 'CONNECTED') look();
  }).observe(document.body, {subtree: true, attributeFilter: ['data-test-connection-state']});
}
</script>"""
"""Where the connection is lost, the page is asked for again: the studio sends who is logged out to the login.
A studio that does not answer at all changes nothing."""


def lead_to_login() -> None:
    """Lets the open page look after its login, where people log in."""
    if accounts() is not None:
        st.html(_SCRIPT, unsafe_allow_javascript=True)
