/* Any bytes as a device description: an error or a device whose steps can be priced. */
#include "hw/device_yaml.h"
#include "hw/step_time.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void price(const struct device *device)
{
    const struct model_shape model = {.hidden = 512,
                                      .layers = 2,
                                      .heads = 8,
                                      .kv_heads = 2,
                                      .head_dim = 64,
                                      .intermediate = 1024,
                                      .vocab = 1000,
                                      .max_position = 4096,
                                      .dtype_bytes = 2};
    const struct step_time_options options = {
        .device = device, .model = &model, .tensor_parallel = 2, .max_num_seqs = 4, .max_num_batched_tokens = 64};
    struct diag diag;
    diag_init(&diag);
    struct step_time *steps = step_time_create(&options, &diag);
    const struct prefill_chunk chunk = {.tokens = 60, .context = 100, .sampled = 1};
    const struct batch_shape shape = {.n_decode = 4, .decode_context = 4000, .n_chunks = 1, .chunks = &chunk};
    if (!steps || step_time_batch(steps, &shape).total <= 0 || step_time_decode(steps, 4, 1000)->base <= 0) {
        abort();
    }
    step_time_destroy(steps);
    diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag;
    struct device device;
    diag_init(&diag);
    if (device_parse((const char *)data, size, "device.yaml", &device, &diag) == ASIM_OK) {
        if (diag.n_errors) {
            abort();
        }
        price(&device);
    } else if (!diag.n_errors) {
        abort();
    }
    diag_fini(&diag);
    return 0;
}
