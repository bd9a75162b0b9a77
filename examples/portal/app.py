"""A SaaS application that gives its customers a page for their API keys: it signs a user in, and opens the portal.

The sign-in is a stub that believes whoever asks: put your own in its place. All that the portal needs of it is who the user is, and of which account.
"""

import html
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import stripe

USERS = {"ada": ("Ada Admin", "acct_acme"), "grace": ("Grace Guest", "acct_globex")}
PORT = int(os.environ.get("PORT", "8000"))
HOME = os.environ.get("APP_URL", f"http://localhost:{PORT}")
keyward = stripe.StripeClient(os.environ["KEYWARD_KEY"], base_addresses={"api": os.environ["KEYWARD_URL"]})


def portal_link(user, query):
    """The link to the portal, of the user's account and of no other. A denied request's link names a key, and what it lacks."""
    name, account = USERS[user]
    wanted = {"account": account, "return_url": HOME, "actor": {"id": f"{user}@example.com", "name": name}}
    if "key" in query:
        wanted |= {"sub_nav": f"key:{query['key'][0]}"} | ({"ask": query["ask"][0]} if "ask" in query else {})
    return keyward.raw_request("post", "/v2/keyward/portal_sessions", **wanted).data["url"]


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        user = self.headers.get("Cookie", "").removeprefix("user=")
        if url.path == "/sign-in" and query.get("user", [""])[0] in USERS:
            return self.go("/", cookie=query["user"][0])
        if user not in USERS:
            return self.page("".join(f'<p><a href="/sign-in?user={one}">Sign in as {name}</a></p>' for one, (name, _) in USERS.items()))
        if url.path != "/keys":
            return self.page(f'<p>Hello {USERS[user][0]}.</p><p><a href="/keys">API keys</a></p>')
        try:
            return self.go(portal_link(user, query))
        except stripe.InvalidRequestError as refused:  # the account or the key does not exist
            return self.page(f"<p>Your keys cannot be shown: {html.escape(str(refused.user_message))}</p>", 404)
        except stripe.StripeError as error:  # no connection, an ended key, too many requests
            self.log_error("the portal was not opened: %s", error)
            return self.page("<p>The page for API keys is not available. Please try again in a minute.</p>", 503)

    def go(self, to, cookie=None):
        self.send_response(303)
        self.send_header("Location", to)
        self.send_header("Cache-Control", "no-store")
        if cookie:
            self.send_header("Set-Cookie", f"user={cookie}; HttpOnly; SameSite=Lax")
        self.end_headers()

    def page(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>Widgets</title><h1>Widgets</h1>{body}".encode())


ThreadingHTTPServer(("127.0.0.1", PORT), App).serve_forever()
