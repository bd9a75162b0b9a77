#!/bin/sh
# The real upstream servers that `tests/it/upstreams` puts behind keyward. `upstreams.sh python` prints a Python that has what
# tests/upstreams/python/requirements.txt names; `upstreams.sh node` prints a folder whose scripts, a link to tests/upstreams/node,
# find the packages of its package-lock.json; `upstreams.sh php` makes sure that Debian's PHP-FPM, Caddy and lighttpd are here and
# prints the path of PHP-FPM. Everything else goes to stderr. Exit status 3: a tool is absent, and its tests are to be skipped.
set -eu

ABSENT=3

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$root/target"
work=

say() { echo "upstreams.sh: $*" >&2; }
absent() { say "$*; the tests that need it are SKIPPED"; exit "$ABSENT"; }
# A change of versions is another folder, so that nothing stale is taken for it.
named() { echo "$root/target/upstreams-$1-$(cat "$2"/*.txt "$2"/package-lock.json 2>/dev/null | cksum | cut -d' ' -f1)"; }
# Made aside and renamed: two runs at once, or one that was cut off, leave nothing half-made under the final name.
aside() {
    work=$(mktemp -d "$root/target/upstreams-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
}

python_set_up() {
    source=$root/tests/upstreams/python
    venv=$(named python "$source")
    if ! [ -e "$venv" ]; then
        command -v python3 >/dev/null 2>&1 || absent "no python3 here"
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || absent "$(python3 --version) is older than 3.11"
        python3 -c 'import ensurepip' 2>/dev/null || absent "python3 has no venv (on Debian: apt-get install python3-venv)"
        say "installing the packages of tests/upstreams/python/requirements.txt"
        aside
        python3 -m venv "$work/venv" >&2
        install() { "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps "$@" >&2; }
        { install -r "$source/build.txt" && install --no-build-isolation -r "$source/requirements.txt"; } || {
            say "pip cannot install them"
            exit 1
        }
        [ -e "$venv" ] || mv "$work/venv" "$venv"
    fi
    "$venv/bin/python" -c 'import flask_reverse_proxy, gunicorn' || { say "$venv is broken: remove it"; exit 1; }
    echo "$venv/bin/python"
}

node_set_up() {
    source=$root/tests/upstreams/node
    folder=$(named node "$source")
    command -v node >/dev/null 2>&1 || absent "no node here"
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || absent "Node $(node --version) is older than 20"
    if ! [ -e "$folder" ]; then
        command -v npm >/dev/null 2>&1 || absent "no npm here"
        say "installing the packages of tests/upstreams/node/package-lock.json"
        aside
        mkdir "$work/node"
        cp "$source/package.json" "$source/package-lock.json" "$work/node"
        (cd "$work/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || { say "npm cannot install them"; exit 1; }
        # Node looks for packages from a script's folder upwards.
        ln -s ../../tests/upstreams/node "$work/node/scripts"
        [ -e "$folder" ] || mv "$work/node" "$folder"
    fi
    [ -e "$folder/scripts/package.json" ] || { say "$folder is broken: remove it"; exit 1; }
    echo "$folder"
}

# Debian has no other version of these than the release's own, so its name is what is pinned.
PACKAGES="php-fpm php-symfony-http-foundation caddy lighttpd"

fpm() { for path in /usr/sbin/php-fpm8.*; do [ -x "$path" ] && echo "$path" && return; done; return 1; }
php_is_here() {
    fpm >/dev/null && [ -e /usr/share/php/Symfony/Component/HttpFoundation/autoload.php ] &&
        command -v caddy >/dev/null 2>&1 && [ -x /usr/sbin/lighttpd ]
}

php_set_up() {
    if ! php_is_here; then
        command -v apt-get >/dev/null 2>&1 || absent "not all of $PACKAGES here, and no apt-get to install them with"
        [ "$(id -u)" = 0 ] || absent "not all of $PACKAGES here, and only root can install them"
        say "installing Debian's packages $PACKAGES (about 50 MB)"
        # None of them is to run as a service: the tests start their own. Who has a policy keeps it.
        policy=/usr/sbin/policy-rc.d
        if ! [ -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
            trap 'rm -f "$policy"' EXIT
            trap 'exit 1' INT TERM
        fi
        # shellcheck disable=SC2086 # a list of words
        install() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends $PACKAGES >&2; }
        # A container's package lists may be missing or old.
        install || { apt-get -qq update >&2 && install; } || absent "apt-get install $PACKAGES fails"
        php_is_here || absent "the packages $PACKAGES hold other programs than expected"
    fi
    fpm
}

case ${1:-} in
    python) python_set_up ;;
    node) node_set_up ;;
    php) php_set_up ;;
    *) echo "usage: upstreams.sh python | node | php" >&2; exit 2 ;;
esac
