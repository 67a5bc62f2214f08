/* Any bytes as a model's config.json: an error or a shape that the cost functions can work with. */
#include "hw/model/config_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag;
    struct model_shape model;
    diag_init(&diag);
    if (model_parse((const char *)data, size, "config.json", &model, &diag) == ASIM_OK) {
        if (diag.n_errors || model_weight_bytes(&model, 1) == 0 || model_kv_bytes_per_token(&model, 1) == 0 ||
            model.heads % model.kv_heads != 0) {
            abort();
        }
    } else if (!diag.n_errors) {
        abort();
    }
    diag_fini(&diag);
    return 0;
}
