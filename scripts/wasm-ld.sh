#!/bin/sh
# The linker of the filter: rustc's own, set to export less. proxy-wasm exports every callback of the ABI, and what is exported is kept with
# all that it calls. Those which the filter does not implement would do nothing, and Envoy would enter the VM for them, several times a request.
set -eu

# What src/filter/wasm implements, and what proxy-wasm needs to keep its books. A callback that is missing here is never called.
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

# rustc puts the folder of its tools first in PATH.
exec rust-lld "$@"
