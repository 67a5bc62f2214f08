#include "api/config.h"
#include "api/document.h"
#include "api/policy.h"
#include "asim/asim.h"
#include "hw/device.h"
#include "policy/policy_table.h"
#include "workload/generate.h"

#include <string.h>

static json_t *list_models(struct diag *diag)
{
    json_t *items = json_array();
    for (const char *const *name = model_names(); *name; name++) {
        struct model_shape model;
        if (model_load(*name, &model, diag) == ASIM_OK) {
            json_array_append_new(items,
                                  json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", *name, "layers",
                                            (json_int_t)model.layers, "hidden", (json_int_t)model.hidden, "heads",
                                            (json_int_t)model.heads, "kv_heads", (json_int_t)model.kv_heads,
                                            "max_model_len", (json_int_t)model.max_position, "weights_bytes",
                                            (json_int_t)model_weight_bytes(&model, 1), "kv_per_token_bytes",
                                            (json_int_t)model_kv_bytes_per_token(&model, 1)));
        }
    }
    return items;
}

static json_t *list_hardware(struct diag *diag)
{
    json_t *items = json_array();
    for (const char *const *name = device_names(); *name; name++) {
        struct device device;
        if (device_load(*name, &device, diag) == ASIM_OK) {
            json_array_append_new(items, json_pack("{s:s, s:s, s:I, s:f, s:f, s:s}", "name", *name, "description",
                                                   device.description, "memory_bytes", (json_int_t)device.memory_bytes,
                                                   "hbm_bytes_per_s", 1e9 * device.hbm_gbs, "bf16_tflops",
                                                   device.bf16_tflops, "calibration", device.calibration));
        }
    }
    return items;
}

static json_t *list_policies(struct diag *diag)
{
    (void)diag;
    json_t *items = json_array();
    for (size_t i = 0; i < policy_count(); i++) {
        json_array_append_new(items, policy_row(policy_at(i)));
    }
    return items;
}

static json_t *list_formats(struct diag *diag)
{
    (void)diag;
    static const char *const formats[][2] = {
        {"session", "session JSONL of AgentServeSim and LLMServingSim: flat requests and chains of turns, with or "
                    "without token ids; plain, .gz or .zst"},
        {"weka", "Weka / kv-cache-tester JSON: conversations with 64-token block hashes; a file, a folder or JSONL"},
        {"columnar", "binary columns that asim import writes from any of these or from a generator, memory-mapped"},
    };
    json_t *items = json_array();
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        json_array_append_new(items, json_pack("{s:s, s:s}", "name", formats[i][0], "summary", formats[i][1]));
    }
    return items;
}

static json_t *list_generators(struct diag *diag)
{
    (void)diag;
    json_t *items = json_array();
    for (size_t i = 0; i < generator_count(); i++) {
        const struct generator *generator = generator_at(i);
        json_t *tools = json_array();
        for (uint32_t tool = 0; tool < generator->n_tools; tool++) {
            json_array_append_new(tools, json_string(generator->tool_name(tool)));
        }
        json_array_append_new(items, json_pack("{s:s, s:s, s:o}", "name", generator->name, "summary",
                                               generator->summary, "tools", tools));
    }
    return items;
}

asim_status asim_list(asim_config *config, const char *kind, char **out)
{
    static const struct {
        const char *kind;
        json_t *(*list)(struct diag *diag);
    } kinds[] = {
        {"models", list_models},   {"hardware", list_hardware},     {"policies", list_policies},
        {"formats", list_formats}, {"generators", list_generators},
    };
    *out = NULL;
    struct diag *diag = config_diag(config);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kind, kinds[i].kind) == 0) {
            *out = document_text(json_pack("{s:s, s:i, s:s, s:o}", "schema", "asim.list", "version", 1, "kind", kind,
                                           "items", kinds[i].list(diag)),
                                 DOCUMENT_DIGITS);
            return ASIM_OK;
        }
    }
    return diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                      "list: '%s' is not a kind; allowed: models, hardware, policies, formats, generators", kind);
}
