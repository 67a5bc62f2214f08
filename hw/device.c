#include "hw/device.h"

#include "hw/config_file.h"
#include "hw/device_yaml.h"
#include "hw/model/config_json.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>

enum { MAX_BUILTIN = 64, BUILTIN_SIZE = 64 };

static const struct config_family device_family = {.folder = "hardware/", .extension = ".yaml", .noun = "device"};
static const struct config_family model_family = {.folder = "models/", .extension = ".json", .noun = "model"};

asim_status device_load(const char *name, struct device *out, struct diag *diag)
{
    struct config_text text;
    asim_status status = config_text_load(&device_family, name, &text, diag);
    if (status == ASIM_OK) {
        status = device_parse(text.text, text.bytes, name, out, diag);
        config_text_fini(&text);
    }
    return status;
}

asim_status model_load(const char *name, struct model_shape *out, struct diag *diag)
{
    struct config_text text;
    asim_status status = config_text_load(&model_family, name, &text, diag);
    if (status == ASIM_OK) {
        status = model_parse(text.text, text.bytes, name, out, diag);
        config_text_fini(&text);
    }
    return status;
}

/* Lists of names, cut once out of the paths of the compiled-in files and constant from then on. */
struct name_list {
    char names[MAX_BUILTIN][BUILTIN_SIZE];
    const char *pointers[MAX_BUILTIN + 1];
};

static struct name_list device_list;
static struct name_list model_list;
static pthread_once_t lists_once = PTHREAD_ONCE_INIT;

static void fill_list(const struct config_family *family, struct name_list *list)
{
    const size_t n = config_builtin_names(family, list->names[0], MAX_BUILTIN, BUILTIN_SIZE);
    for (size_t i = 0; i < n; i++) {
        list->pointers[i] = list->names[i];
    }
}

static void fill_lists(void)
{
    fill_list(&device_family, &device_list);
    fill_list(&model_family, &model_list);
}

const char *const *device_names(void)
{
    pthread_once(&lists_once, fill_lists);
    return device_list.pointers;
}

const char *const *model_names(void)
{
    pthread_once(&lists_once, fill_lists);
    return model_list.pointers;
}

asim_status model_check_tensor_parallel(const struct model_shape *model, uint32_t tp, struct diag *diag)
{
    const struct diag_where where = {0};
    if (tp < 1) {
        return diag_error(diag, ASIM_USAGE, where, "tensor parallel size must be at least 1");
    }
    const size_t errors = diag->n_errors;
    if (model->heads % tp != 0) {
        diag_error(diag, ASIM_USAGE, where, "tensor parallel size %u must divide the %u attention heads of %s", tp,
                   model->heads, model->name);
    }
    if (model->kv_heads % tp != 0 && tp % model->kv_heads != 0) {
        diag_error(diag, ASIM_USAGE, where,
                   "tensor parallel size %u must divide or be a multiple of the %u KV heads of %s", tp, model->kv_heads,
                   model->name);
    }
    if (model->intermediate % tp != 0) {
        diag_error(diag, ASIM_USAGE, where, "tensor parallel size %u must divide the intermediate size %u of %s", tp,
                   model->intermediate, model->name);
    }
    return diag->n_errors == errors ? ASIM_OK : ASIM_USAGE;
}

uint32_t model_kv_heads_per_rank(const struct model_shape *model, uint32_t tp)
{
    return model->kv_heads > tp ? model->kv_heads / tp : 1;
}

uint64_t model_weight_bytes(const struct model_shape *model, uint32_t tp)
{
    assert(tp >= 1);
    const uint64_t h = model->hidden;
    const uint64_t q = (uint64_t)model->heads / tp * model->head_dim;
    const uint64_t qkv = q + 2 * (uint64_t)model_kv_heads_per_rank(model, tp) * model->head_dim;
    const uint64_t f = model->intermediate / tp;
    const uint64_t vocab = (model->vocab + tp - 1) / tp;
    const uint64_t norms = 2 * h + (model->qk_norm ? 2 * (uint64_t)model->head_dim : 0);
    const uint64_t layer = h * qkv + (model->qkv_bias ? qkv : 0) + q * h + 2 * h * f + f * h + norms;
    const uint64_t tables = (model->tied_embeddings ? 1 : 2) * vocab * h;
    return (tables + model->layers * layer + h) * model->dtype_bytes;
}

uint64_t model_kv_bytes_per_token(const struct model_shape *model, uint32_t tp)
{
    return 2 * (uint64_t)model->layers * model_kv_heads_per_rank(model, tp) * model->head_dim * model->dtype_bytes;
}

static uint64_t activation_bytes(const struct model_shape *model, uint32_t tp, uint32_t tokens)
{
    const uint64_t f = model->intermediate / tp;
    const uint64_t widest = 2 * (uint64_t)model->hidden + 3 * f; /* residual, input, gate and up, their product */
    const uint64_t logits = (uint64_t)MEMORY_FIT_LOGIT_ROWS * model->vocab * (model->dtype_bytes + 2 * sizeof(float));
    return tokens * widest * model->dtype_bytes + logits;
}

struct memory_fit memory_fit(const struct device *device, const struct model_shape *model, uint32_t tp,
                             double utilization, uint32_t block_size, uint32_t max_batched_tokens)
{
    assert(utilization > 0 && utilization <= 1 && block_size >= 1);
    struct memory_fit fit = {
        .weight_bytes = model_weight_bytes(model, tp),
        .activation_bytes = activation_bytes(model, tp, max_batched_tokens),
        .block_bytes = model_kv_bytes_per_token(model, tp) * block_size,
    };
    const uint64_t usable = (uint64_t)floor(utilization * (double)device->memory_bytes);
    const uint64_t taken = fit.weight_bytes + fit.activation_bytes + MEMORY_FIT_FIXED_BYTES;
    const uint64_t left = usable > taken ? usable - taken : 0;
    fit.n_blocks = left / fit.block_bytes;
    fit.kv_bytes = fit.n_blocks * fit.block_bytes;
    fit.kv_tokens = fit.n_blocks * block_size;
    return fit;
}
