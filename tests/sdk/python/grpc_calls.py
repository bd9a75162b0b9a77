"""Calls by gRPC's own client: what a denial looks like there."""

import json

import grpc
from steps import PLAN, check, done, step

SAY = "/keyward.test.Echo/Say"


def call(key, method=SAY, url=PLAN["url"], **metadata):
    """The call's answer, or its error; both can tell the code and the metadata."""
    headers = [("authorization", f"Bearer {PLAN['keys'][key]}")]
    headers += [(name.replace("_", "-"), value) for name, value in metadata.items()]
    with grpc.insecure_channel(url.removeprefix("http://"), [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer, about = channel.unary_unary(method).with_call(b"hello", metadata=headers, timeout=30)
        except grpc.RpcError as error:
            return None, error
        return answer, about


def denied(code, reason, *arguments, **more):
    answer, error = call(*arguments, **more)
    check(answer, None)
    check(error.code(), code)
    headers = {**dict(error.initial_metadata() or ()), **dict(error.trailing_metadata() or ())}
    check(headers["x-keyward-denied"], reason)
    # The reply's body arrives as the message.
    return json.loads(error.details())["error"]


@step("a call passes")
def _():
    answer, about = call("secret")
    check(answer, b"hello")
    check(about.code(), grpc.StatusCode.OK)
    check("mk_secret" in dict(about.trailing_metadata())["saw-principal"], True)


@step("a restricted key's call passes")
def _():
    answer, about = call("support")
    check(answer, b"hello")
    check('permission="echo"' in dict(about.trailing_metadata())["saw-principal"], True)


@step("401 is UNAUTHENTICATED")
def _():
    error = denied(grpc.StatusCode.UNAUTHENTICATED, "unknown_key", "nobody")
    check(error["message"].startswith("Invalid API Key provided: sk_test_***"), True)


@step("403 is PERMISSION_DENIED")
def _():
    error = denied(grpc.StatusCode.PERMISSION_DENIED, "insufficient_permission", "reports")
    check(error["code"], "more_permissions_required")


@step("404 is UNIMPLEMENTED")
def _():
    denied(grpc.StatusCode.UNIMPLEMENTED, "unknown_endpoint", "support", "/keyward.test.Echo/Shout")


@step("400 is INTERNAL")
def _():
    error = denied(grpc.StatusCode.INTERNAL, "malformed_context", "secret", stripe_context="acct_FAKE-shop-7/")
    check(error["param"], "Stripe-Context")


@step("503 is UNAVAILABLE")
def _():
    denied(grpc.StatusCode.UNAVAILABLE, "no_snapshot", "secret", url=PLAN["closed"])


done()
