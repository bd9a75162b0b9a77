"""HTTP/2 by httpx, on one connection."""

import asyncio

import httpx
from steps import PLAN, check, done, step

KEYS = PLAN["keys"]


def bearer(name):
    return {"Authorization": f"Bearer {KEYS[name]}"}


async def talk():
    limits = httpx.Limits(max_connections=1)
    transport = httpx.AsyncHTTPTransport(http1=False, http2=True, limits=limits)
    async with httpx.AsyncClient(
        base_url=PLAN["url"], transport=transport, trust_env=False, timeout=30
    ) as http:
        allowed = await http.get("/v1/balance", headers=bearer("secret"))
        denied = await http.get("/v1/balance", headers=bearer("nobody"))
        basic = await http.get("/v1/balance", auth=(KEYS["nobody"], ""))
        yield allowed, denied, basic
        names = ["support", "publishable"] * 10
        yield await asyncio.gather(*(http.get("/v1/customers", headers=bearer(name)) for name in names))
        content = {"file": b"%PDF-1.7 evidence" * 1000}
        yield await http.post("/v1/files", files=content, headers=bearer("deleted"))


async def collect():
    return [answers async for answers in talk()]


singles, many, upload = asyncio.run(collect())


@step("one connection serves allowed and denied requests")
def _():
    check([answer.http_version for answer in singles], ["HTTP/2"] * 3)
    check([answer.status_code for answer in singles], [200, 401, 401])
    check(singles[1].headers["www-authenticate"], 'Bearer realm="Stripe"')
    check(singles[2].headers["www-authenticate"], 'Basic realm="Stripe"')
    check(singles[1].headers["x-keyward-denied"], "unknown_key")


@step("many at once, each judged by itself")
def _():
    check([answer.status_code for answer in many], [200, 401] * 10)
    check(len({answer.headers["request-id"] for answer in many[1::2]}), 10)


@step("an upload is denied before it is read")
def _():
    check(upload.status_code, 401)
    check(upload.json()["error"]["code"], "api_key_expired")


done()
