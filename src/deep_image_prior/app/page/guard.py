"""Who is answered: our own page, on this machine."""

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets through what comes from our own page, by the token in its address.

    Another web site that knows the port is refused by Host (DNS rebinding), Origin and what the
    browser says of it, and what changes anything needs a header that no form can send.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = (f"{HOST}:{port}", f"localhost:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self.refusal(scope)
        answer: ASGIApp = refused(*refusal) if refusal else self.app
        await answer(scope, receive, guarded)

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Why the request is not answered, if it is not."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if host not in self.hosts:
            return 421, "this page is for this machine only"
        if origin is not None and origin != f"http://{host}":
            return 403, "this is asked for by another page"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "this is asked for by another page"
        first = scope["path"].split("/")[1]
        if not secrets.compare_digest(first.encode(), self.token.encode()):
            return 404, "open the address that dip page has printed: it has a token in it"
        if scope["method"] not in ("GET", "HEAD") and headers.get("x-dip") != "1":
            return 403, "this is not asked for by the page"
        return None


def refused(status: int, line: str) -> JSONResponse:
    """What is said to the person."""
    return JSONResponse({"error": line}, status)
