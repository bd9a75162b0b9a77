/* A module of Envoy's that is not keyward: it lets everything pass. ABI is what it says of itself, MORE something that it does besides. */

#include <stddef.h>

#define HOOK(name) \
    size_t envoy_dynamic_module_on_http_filter_##name(void) { return 0; }

long envoy_dynamic_module_callback_of_tomorrow(void);

const char *envoy_dynamic_module_on_program_init(void) { return ABI; }

const void *envoy_dynamic_module_on_http_filter_config_new(void) {
    static int it;
    if (MORE) {
        return NULL;
    }
    return &it;
}

const void *envoy_dynamic_module_on_http_filter_new(const void *config) { return config; }

HOOK(config_destroy)
HOOK(request_headers)
HOOK(request_body)
HOOK(request_trailers)
HOOK(response_headers)
HOOK(response_body)
HOOK(response_trailers)
HOOK(stream_complete)
HOOK(destroy)
HOOK(http_callout_done)
HOOK(http_stream_headers)
HOOK(http_stream_data)
HOOK(http_stream_trailers)
HOOK(http_stream_complete)
HOOK(http_stream_reset)
HOOK(scheduled)
HOOK(downstream_above_write_buffer_high_watermark)
HOOK(downstream_below_write_buffer_low_watermark)
