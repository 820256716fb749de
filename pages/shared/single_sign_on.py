"""The single sign-on through Streamlit's own login (``st.login``, Authlib): Streamlit talks to the provider
and leaves a signed cookie, which the studio takes for a login of its own."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from tianji_core.access.single_sign_on import CALLBACK_PATH, SignOnSettings, verified_email
from tianji_core.access.visitors import SingleSignOn

BEGIN_PATH = "/auth/login"
_FRESH_DAYS = 5 / (24 * 60)
"""A proof older than five minutes counts no more: a login is begun with it at once."""


def single_sign_on(settings: SignOnSettings) -> SingleSignOn:
    """Returns the way in through Streamlit's login with these settings, which must be its secrets."""

    def email(cookies: Mapping[str, str]) -> str:
        def signed(name: str) -> bytes | None:
            return decode_signed_value(settings.cookie_secret, name, cookies.get(name, ""), _FRESH_DAYS)

        proof = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
        claims = json.loads(proof) if proof else {}
        return verified_email(claims, settings.trust_email)

    return SingleSignOn(
        begin=lambda: f"{BEGIN_PATH}?{urlencode({'provider': encode_provider_token('default')})}",
        begin_path=BEGIN_PATH,
        callback_path=CALLBACK_PATH,
        email=email,
        cookies=USER_COOKIE_NAME,
    )
