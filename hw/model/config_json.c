#include "hw/model/config_json.h"

#include "hw/config_file.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const json_t *root;
    struct diag_where where;
    struct diag *diag;
};

struct architecture {
    const char *name;
    bool qk_norm;
    bool qkv_bias;
};

static const struct architecture architectures[] = {
    {"LlamaForCausalLM", false, false},
    {"MistralForCausalLM", false, false},
    {"Qwen2ForCausalLM", false, true},
    {"Qwen3ForCausalLM", true, false},
};
enum { N_ARCHITECTURES = sizeof architectures / sizeof architectures[0] };

/* Keys whose presence means that layers cost something else than the dense layers modelled here. */
static const struct {
    const char *key;
    const char *meaning;
} refused[] = {
    {"num_experts", "mixture of experts is not modelled"},
    {"num_local_experts", "mixture of experts is not modelled"},
    {"n_routed_experts", "mixture of experts is not modelled"},
    {"quantization_config", "quantised weights are not modelled"},
    {"kv_lora_rank", "latent attention is not modelled"},
};

/* JSON null counts as absent, as in Hugging Face's readers. */
static const json_t *get(const struct reader *reader, const char *key)
{
    const json_t *value = json_object_get(reader->root, key);
    return json_is_null(value) ? NULL : value;
}

/* A short rendering of a value for messages. */
static void show(const json_t *value, char *out, size_t size)
{
    const size_t n = json_dumpb(value, out, size - 1, JSON_ENCODE_ANY | JSON_COMPACT);
    if (n < size) {
        out[n] = '\0';
    } else {
        snprintf(out, size, "a value of %zu bytes", n);
    }
}

static void read_count(const struct reader *reader, const char *key, bool required, uint32_t max, uint32_t *out)
{
    const json_t *value = get(reader, key);
    if (!value) {
        if (required) {
            diag_error(reader->diag, ASIM_USAGE, reader->where, "key '%s' is missing: an integer from 1 to %u", key,
                       max);
        }
        return;
    }
    const json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    if (number < 1 || number > (json_int_t)max) {
        char text[64];
        show(value, text, sizeof text);
        diag_error(reader->diag, ASIM_USAGE, reader->where, "key '%s' is %s: must be an integer from 1 to %u", key,
                   text, max);
        return;
    }
    *out = (uint32_t)number;
}

static void read_architecture(const struct reader *reader, struct model_shape *out)
{
    const json_t *list = get(reader, "architectures");
    const char *name = json_is_array(list) ? json_string_value(json_array_get(list, 0)) : NULL;
    for (size_t i = 0; name && i < N_ARCHITECTURES; i++) {
        if (strcmp(name, architectures[i].name) == 0) {
            out->qk_norm = architectures[i].qk_norm;
            out->qkv_bias = architectures[i].qkv_bias;
            return;
        }
    }
    char allowed[160] = "";
    for (size_t i = 0; i < N_ARCHITECTURES; i++) {
        const size_t used = strlen(allowed);
        snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", architectures[i].name);
    }
    if (name) {
        diag_error(reader->diag, ASIM_USAGE, reader->where,
                   "key 'architectures': '%s' is not modelled; dense models only: %s", name, allowed);
    } else {
        diag_error(reader->diag, ASIM_USAGE, reader->where,
                   "key 'architectures' is missing or not a list with a name: one of %s", allowed);
    }
}

static void read_dtype(const struct reader *reader, struct model_shape *out)
{
    const char *key = get(reader, "torch_dtype") ? "torch_dtype" : "dtype"; /* renamed in transformers 4.56 */
    const json_t *value = get(reader, key);
    const char *name = json_string_value(value);
    if (name && (strcmp(name, "bfloat16") == 0 || strcmp(name, "float16") == 0)) {
        out->dtype_bytes = 2;
        return;
    }
    char text[64] = "missing";
    if (value) {
        show(value, text, sizeof text);
    }
    diag_error(reader->diag, ASIM_USAGE, reader->where, "key '%s' is %s: must be \"bfloat16\" or \"float16\"",
               value ? key : "torch_dtype", text);
}

static bool read_flag(const struct reader *reader, const char *key, bool absent)
{
    const json_t *value = get(reader, key);
    if (value && !json_is_boolean(value)) {
        char text[64];
        show(value, text, sizeof text);
        diag_error(reader->diag, ASIM_USAGE, reader->where, "key '%s' is %s: must be true or false", key, text);
        return absent;
    }
    return value ? json_is_true(value) : absent;
}

static void refuse_unmodelled(const struct reader *reader)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (get(reader, refused[i].key)) {
            diag_error(reader->diag, ASIM_USAGE, reader->where, "key '%s': %s", refused[i].key, refused[i].meaning);
        }
    }
    if (get(reader, "sliding_window") && read_flag(reader, "use_sliding_window", true)) {
        diag_error(reader->diag, ASIM_USAGE, reader->where,
                   "key 'sliding_window': windowed attention is not modelled; null, or use_sliding_window false");
    }
}

static void read_shape(const struct reader *reader, struct model_shape *out)
{
    read_count(reader, "hidden_size", true, 1u << 17, &out->hidden);
    read_count(reader, "num_hidden_layers", true, 1024, &out->layers);
    read_count(reader, "num_attention_heads", true, 1024, &out->heads);
    out->kv_heads = out->heads;
    read_count(reader, "num_key_value_heads", false, 1024, &out->kv_heads);
    out->head_dim = out->heads ? out->hidden / out->heads : 0;
    read_count(reader, "head_dim", false, 1024, &out->head_dim);
    read_count(reader, "intermediate_size", true, 1u << 20, &out->intermediate);
    read_count(reader, "vocab_size", true, 1u << 24, &out->vocab);
    read_count(reader, "max_position_embeddings", true, 1u << 28, &out->max_position);
    if (!out->heads || !out->hidden || !out->kv_heads) {
        return; /* reported above */
    }
    if (!get(reader, "head_dim") && out->hidden % out->heads != 0) {
        diag_error(reader->diag, ASIM_USAGE, reader->where,
                   "key 'head_dim' is missing and hidden_size %u is not a multiple of num_attention_heads %u",
                   out->hidden, out->heads);
    }
    if (out->heads % out->kv_heads != 0) {
        diag_error(reader->diag, ASIM_USAGE, reader->where,
                   "key 'num_key_value_heads' is %u: must divide num_attention_heads, %u", out->kv_heads, out->heads);
    }
}

asim_status model_parse(const char *text, size_t bytes, const char *name, struct model_shape *out, struct diag *diag)
{
    *out = (struct model_shape){0};
    const size_t errors = diag->n_errors;
    json_error_t error;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        const struct diag_where where = {
            .file = name, .line = (uint32_t)error.line, .column = (uint32_t)(error.column > 0 ? error.column : 0)};
        return diag_error(diag, ASIM_USAGE, where, "not valid JSON: %s", error.text);
    }
    const struct reader reader = {.root = root, .where = {.file = name}, .diag = diag};
    if (!json_is_object(root)) {
        diag_error(diag, ASIM_USAGE, reader.where, "a model configuration must be a JSON object");
    } else {
        read_architecture(&reader, out);
        refuse_unmodelled(&reader);
        read_shape(&reader, out);
        read_dtype(&reader, out);
        out->tied_embeddings = read_flag(&reader, "tie_word_embeddings", false);
        out->qkv_bias = read_flag(&reader, "attention_bias", out->qkv_bias);
    }
    config_stem(name, out->name, sizeof out->name);
    json_decref(root);
    return diag->n_errors == errors ? ASIM_OK : ASIM_USAGE;
}
