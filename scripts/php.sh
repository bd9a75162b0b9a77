#!/bin/sh
# Makes sure that Debian's PHP-FPM, Caddy and lighttpd are installed, which `tests/it/upstreams`
# runs as upstreams, and prints the path of PHP-FPM. Everything else goes to stderr. Exit status
# 3: they are not available, and their tests must be skipped.
set -eu

ABSENT=3

absent() { echo "php.sh: $*; the tests that need it are SKIPPED" >&2; exit "$ABSENT"; }

# A release of Debian has only one version of each, so the release determines the versions.
PACKAGES="php-fpm php-symfony-http-foundation caddy lighttpd"

fpm() { for path in /usr/sbin/php-fpm8.*; do [ -x "$path" ] && echo "$path" && return; done; return 1; }
php_is_here() {
    fpm >/dev/null && [ -e /usr/share/php/Symfony/Component/HttpFoundation/autoload.php ] &&
        command -v caddy >/dev/null 2>&1 && [ -x /usr/sbin/lighttpd ]
}

if ! php_is_here; then
    [ -z "${KEYWARD_NO_INSTALL:-}" ] || absent "not all of $PACKAGES here, and KEYWARD_NO_INSTALL is set"
    command -v apt-get >/dev/null 2>&1 || absent "not all of $PACKAGES here, and no apt-get to install them with"
    [ "$(id -u)" = 0 ] || absent "not all of $PACKAGES here, and only root can install them"
    echo "php.sh: installing Debian's packages $PACKAGES (about 50 MB)" >&2
    # The packages must not start services, because the tests start their own. An existing policy
    # stays.
    policy=/usr/sbin/policy-rc.d
    if ! [ -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM
    fi
    # shellcheck disable=SC2086 # a list of words
    install() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends $PACKAGES >&2; }
    # In a container, the package lists may be missing or old.
    install || { apt-get -qq update >&2 && install; } || absent "apt-get install $PACKAGES fails"
    php_is_here || absent "the packages $PACKAGES hold other programs than expected"
fi
fpm
