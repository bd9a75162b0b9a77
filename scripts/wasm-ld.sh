#!/bin/sh
# The linker of the filter: rustc's own, with fewer exports. proxy-wasm exports every callback of
# the ABI, and an exported function is kept with everything that it calls. Callbacks that the filter
# does not implement would do nothing, but Envoy would enter the VM for them, several times per
# request.
set -eu

# The callbacks that src/filter/wasm implements, and those that proxy-wasm needs for its own
# bookkeeping. A callback that is missing here is never called.
callbacks=' proxy_on_memory_allocate proxy_on_vm_start proxy_on_configure proxy_on_context_create proxy_on_tick proxy_on_http_call_response proxy_on_request_headers proxy_on_done proxy_on_delete '

left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    if [ "$argument" = --export ]; then
        name=$1
        shift
        left=$((left - 1))
        case $name in
            proxy_on_*) case $callbacks in *" $name "*) set -- "$@" --export "$name" ;; esac ;;
            *) set -- "$@" --export "$name" ;;
        esac
    else
        set -- "$@" "$argument"
    fi
done

# rustc puts the folder with its tools first in PATH.
exec rust-lld "$@"
