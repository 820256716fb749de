"""An OpenID Connect provider on loopback: discovery, authorization code with PKCE, RS256 identity tokens."""

import base64
import hashlib
import html
import http.server
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "studio", "the-secret-of-the-studio"


class IdentityProvider:
    """Knows people by the claims of their identity tokens; everybody's page of choice is ``/authorize``,
    where a person is a link. ``as_next`` chooses without a page."""

    def __init__(self, people: list[dict[str, Any]]) -> None:
        self.people = people
        self.as_next: int | None = None
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}
        self.url = ""

    def configuration(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def address_back(self, asked: dict[str, str], person: int) -> str:
        """Where a person is sent after the choice; -1 stands for a refusal."""
        if person < 0:
            given = {"error": "access_denied"}
        else:
            given = {"code": secrets.token_urlsafe(16)}
            self.codes[given["code"]] = {**asked, "person": str(person)}
        return f"{asked['redirect_uri']}?{urlencode({**given, 'state': asked['state']})}"

    def tokens(self, form: dict[str, str], credentials: str) -> dict[str, Any] | None:
        """The tokens for a code, once; None for a wrong client, code or verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or credentials != f"Basic {client}":
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": asked["person"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.people[int(asked["person"])],
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token}


@contextmanager
def identity_provider(*people: dict[str, Any]) -> Iterator[IdentityProvider]:
    """Serves a provider for these people until the end of the block."""
    provider = IdentityProvider(list(people))

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, asked = _asked(self.path)
            if path == "/authorize" and "person" not in asked and provider.as_next is None:
                links = "".join(
                    f'<p><a href="{html.escape(f"{self.path}&person={number}")}">{person["email"]}</a>'
                    for number, person in enumerate(provider.people)
                )
                self._answer(200, links, "text/html")
            elif path == "/authorize":
                person = int(asked.pop("person", provider.as_next or 0))
                self._answer(302, "", "text/html", provider.address_back(asked, person))
            elif path == "/keys":
                self._answer(200, json.dumps({"keys": [provider.key.as_dict(private=False)]}))
            else:
                self._answer(200, json.dumps(provider.configuration()))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            _path, form = _asked(f"/token?{body}")
            tokens = provider.tokens(form, self.headers.get("Authorization", ""))
            self._answer(200 if tokens else 400, json.dumps(tokens or {"error": "invalid_grant"}))

        def _answer(self, status: int, body: str, kind: str = "application/json", to: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            if to:
                self.send_header("Location", to)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield provider
    server.shutdown()


def _asked(address: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(address)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
