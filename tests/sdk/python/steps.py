"""What the scripts share: the plan they are given, and one JSON line per step, so that a script that does nothing cannot pass for one that works."""

import json
import sys
import traceback

import stripe

# Telemetry would store an id in the home folder of the user who runs the tests.
stripe.enable_telemetry = False

with open(sys.argv[1], encoding="utf-8") as file:
    PLAN = json.load(file)

_told = 0
_checks = 0


def tell(**line):
    global _told
    _told += 1
    print(json.dumps(line), flush=True)


def client(key, **options):
    """The SDK as its users have it, but for the address."""
    url = PLAN["url"]
    retries = PLAN.get("retries", 2)
    bases = {"api": url, "files": url}
    return stripe.StripeClient(key, base_addresses=bases, max_network_retries=retries, **options)


def check(actual, expected):
    global _checks
    _checks += 1
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def raised(kind, call):
    """The error that `call` raises, which has to be exactly of that class."""
    try:
        call()
    except stripe.StripeError as error:
        check(type(error), kind)
        return error
    raise AssertionError(f"no {kind.__name__}")


def step(name):
    """Runs a function at once; the first step that fails is the last."""

    def run(function):
        global _checks
        _checks = 0
        try:
            function()
        except Exception:
            tell(name=name, ok=False, why=traceback.format_exc())
            sys.exit(1)
        tell(name=name, ok=True, checks=_checks)

    return run


def done():
    tell(done=_told)
