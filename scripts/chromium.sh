#!/bin/sh
# Makes sure that there is a Chromium for the browser tests: $CHROMIUM_BIN, `chromium` on PATH, or
# Debian's package, which is installed if that needs no confirmation (apt-get exists, and the user
# is root). Without one, the tests skip the browser and this prints a line, which is not a failure.
# Everything goes to stderr.
set -eu

say() { echo "chromium.sh: $*" >&2; }
skip() { say "$*; the browser tests will be SKIPPED"; exit 0; }
runs() { "$1" --version >/dev/null 2>&1; }

# If a binary is named, only that one is used.
if [ -n "${CHROMIUM_BIN:-}" ]; then
    runs "$CHROMIUM_BIN" || { say "CHROMIUM_BIN: '$CHROMIUM_BIN --version' fails"; exit 1; }
    exit 0
fi
if path=$(command -v chromium) && runs "$path"; then
    exit 0
fi

[ -z "${KEYWARD_NO_INSTALL:-}" ] || skip "no chromium on PATH, and KEYWARD_NO_INSTALL is set"
command -v apt-get >/dev/null 2>&1 || skip "no chromium on PATH, and no apt-get to install it with"
[ "$(id -u)" = 0 ] || skip "no chromium on PATH, and only root can install it (apt-get install chromium)"

say "installing Debian's package chromium (about 100 MB)"
install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends chromium >&2
}
# In a container, the package lists may be missing or old.
install || { apt-get -qq update >&2 && install; } || skip "apt-get install chromium fails"
{ path=$(command -v chromium) && runs "$path"; } || skip "the package chromium holds no program that starts here"
