#include "hw/device_yaml.h"

#include "hw/config_file.h"
#include "hw/link/defaults.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_KEY = 64 }; /* bytes of a key or section, with the terminator */

enum kind { TEXT, REAL, COUNT, BYTES, TIME, FLAG, CHOICE }; /* BYTES: also bytes/s */

/* When a key belongs to the file: always, or under one answer of a choice, or at will. */
enum condition { ALWAYS, LAW_TWO, LAW_FITTED, MIXED_VARLEN, OPTIONAL };

struct field {
    const char *key;  /* dotted path */
    const char *unit; /* of a plain number; "" = a bare number */
    enum kind kind;
    enum condition condition;
    size_t offset;
    size_t size;     /* TEXT: of the array */
    double min, max; /* inclusive, in `unit` */
    const char *no;  /* CHOICE: the answer stored as false */
    const char *yes; /* ... and as true */
};

#define AT(member) offsetof(struct device, member)
#define TEXT_FIELD(key, member)                                                                                        \
    {                                                                                                                  \
        key, "", TEXT, ALWAYS, AT(member), sizeof(((struct device *)0)->member), 0, 0, 0, 0                            \
    }
#define NUMBER(key, unit, kind, condition, member, min, max)                                                           \
    {                                                                                                                  \
        key, unit, kind, condition, AT(member), 0, min, max, 0, 0                                                      \
    }
#define REAL_FIELD(key, unit, member, min, max) NUMBER(key, unit, REAL, ALWAYS, member, min, max)
#define CHOICE_FIELD(key, member, no, yes)                                                                             \
    {                                                                                                                  \
        key, "", CHOICE, ALWAYS, AT(member), 0, 0, 0, no, yes                                                          \
    }

#define LINK_RATE(key, member)  NUMBER(key, "GB/s", BYTES, OPTIONAL, member, 0.001, 1e5)
#define LINK_START(key, member) NUMBER(key, "us", TIME, OPTIONAL, member, 0, 1e6)

static const struct field fields[] = {
    TEXT_FIELD("description", description),
    TEXT_FIELD("calibration", calibration),
    NUMBER("memory_gib", "GiB", BYTES, ALWAYS, memory_bytes, 1, 65536),
    REAL_FIELD("hbm_gb_per_s", "GB/s", hbm_gbs, 1, 1e6),
    NUMBER("sms", "", COUNT, ALWAYS, sms, 1, 65536),
    REAL_FIELD("clock_ghz", "GHz", clock_ghz, 0.1, 100),
    REAL_FIELD("bf16_tflops", "TFLOPS", bf16_tflops, 1, 1e6),
    NUMBER("l2_mb", "MB", BYTES, ALWAYS, l2_bytes, 0.1, 1e5),
    REAL_FIELD("link_gb_per_s", "GB/s", link_gbs, 0, 1e5),
    NUMBER("pcie_gen", "", COUNT, ALWAYS, pcie_gen, 1, 8),
    NUMBER("pcie_lanes", "", COUNT, ALWAYS, pcie_lanes, 1, 64),
    REAL_FIELD("tdp_w", "W", tdp_w, 1, 1e5),
    {"small_defaults", "", FLAG, ALWAYS, AT(small_defaults), 0, 0, 0, 0, 0},
    REAL_FIELD("sustained_clock", "", sustained_clock, 0.1, 1),
    NUMBER("host.hideable_ms", "ms", TIME, ALWAYS, host.hideable, 0, 1e6),
    NUMBER("host.exposed_ms", "ms", TIME, ALWAYS, host.exposed, 0, 1e6),
    NUMBER("host.exposed_ungraphed_ms", "ms", TIME, ALWAYS, host.exposed_ungraphed, 0, 1e6),
    REAL_FIELD("gemm.t0_us", "us", gemm.t0, 0, 1000),
    REAL_FIELD("gemm.te_us", "us", gemm.te, 0, 1000),
    REAL_FIELD("gemm.eta_c", "", gemm.eta_c, 0.01, 1),
    REAL_FIELD("gemm.eta_m", "", gemm.eta_m, 0.01, 1),
    REAL_FIELD("gemm.q", "", gemm.q, 0, 1),
    REAL_FIELD("gemm.i0", "", gemm.i0, 0, 1000),
    REAL_FIELD("gemm.r_l2", "", gemm.r_l2, 0.1, 1000),
    REAL_FIELD("gemm.tk_ns", "ns", gemm.tk, 0, 1e5),
    REAL_FIELD("gemm.tsp_us", "us", gemm.tsp, 0, 1000),
    REAL_FIELD("gemm.p", "", gemm.p, 1, 20),
    REAL_FIELD("gemm.thr", "", gemm.thr, 0, 1),
    REAL_FIELD("elementwise.te_us", "us", elementwise.te, 0, 1000),
    REAL_FIELD("elementwise.r1", "", elementwise.r1, 0.01, 1000),
    REAL_FIELD("elementwise.r2", "", elementwise.r2, 0.01, 1),
    REAL_FIELD("elementwise.knee_l2", "", elementwise.knee_l2, 0, 100),
    REAL_FIELD("attention.decode.t0_us", "us", attention.dec_t0, 0, 1000),
    REAL_FIELD("attention.decode.t_cta_us", "us", attention.dec_t_cta, 0, 1000),
    REAL_FIELD("attention.decode.eta_m", "", attention.dec_eta_m, 0.01, 1),
    REAL_FIELD("attention.decode.t_comb_us", "us", attention.dec_t_comb, 0, 1000),
    REAL_FIELD("attention.decode.t_gqa_us", "us", attention.dec_t_gqa, 0, 1000),
    REAL_FIELD("attention.decode.t_blk_us", "us", attention.dec_t_blk, 0, 1000),
    REAL_FIELD("attention.decode.bw_sm_gb_per_s", "GB/s", attention.dec_bw_sm, 0, 1e5),
    REAL_FIELD("attention.decode.eta_g", "", attention.dec_eta_g, 0.01, 1),
    REAL_FIELD("attention.prefill.t0_us", "us", attention.pre_t0, 0, 1000),
    REAL_FIELD("attention.prefill.eta_a", "", attention.pre_eta_a, 0.01, 1),
    REAL_FIELD("attention.prefill.t_cta_us", "us", attention.pre_t_cta, 0, 1000),
    REAL_FIELD("attention.prefill.qt", "", attention.pre_qt, 0, 10),
    REAL_FIELD("attention.prefill.qw", "", attention.pre_qw, 0, 1),
    NUMBER("attention.prefill.bq", "", COUNT, ALWAYS, attention.bq, 1, 4096),
    {"attention.prefill.pack_gqa", "", FLAG, ALWAYS, AT(attention.pack_gqa), 0, 0, 0, 0, 0},
    CHOICE_FIELD("attention.mixed.kernels", attention.separate, "varlen", "separate"),
    NUMBER("attention.mixed.t0_us", "us", REAL, MIXED_VARLEN, attention.mix_t0, 0, 1000),
    NUMBER("attention.mixed.eta_a", "", REAL, MIXED_VARLEN, attention.mix_eta_a, 0.01, 1),
    NUMBER("attention.mixed.t_cta_us", "us", REAL, MIXED_VARLEN, attention.mix_t_cta, 0, 1000),
    NUMBER("attention.mixed.qq", "", REAL, MIXED_VARLEN, attention.mix_qq, 0, 10),
    NUMBER("attention.mixed.eta_m", "", REAL, MIXED_VARLEN, attention.mix_eta_m, 0.01, 1),
    NUMBER("attention.mixed.t_emp_us", "us", REAL, MIXED_VARLEN, attention.mix_t_emp, 0, 1000),
    NUMBER("attention.mixed.l2_factor", "", REAL, MIXED_VARLEN, attention.mix_l2_factor, 0.01, 100),
    CHOICE_FIELD("all_reduce.law", collective.fitted, "one_shot_or_ring", "fitted"),
    NUMBER("all_reduce.one_shot_us", "us", REAL, LAW_TWO, collective.a, 0, 1e5),
    NUMBER("all_reduce.one_shot_us_per_peer", "us", REAL, LAW_TWO, collective.b, 0, 1e5),
    NUMBER("all_reduce.one_shot_gb_per_s", "GB/s", REAL, LAW_TWO, collective.bw1, 0.1, 1e5),
    NUMBER("all_reduce.ring_us", "us", REAL, LAW_TWO, collective.big_a, 0, 1e5),
    NUMBER("all_reduce.ring_us_per_peer", "us", REAL, LAW_TWO, collective.big_b, 0, 1e5),
    NUMBER("all_reduce.ring_gb_per_s", "GB/s", REAL, LAW_TWO, collective.bw2, 0.1, 1e5),
    NUMBER("all_reduce.latency_us", "us", REAL, LAW_FITTED, collective.latency_us, 0, 1e5),
    NUMBER("all_reduce.bandwidth_gb_per_s", "GB/s", REAL, LAW_FITTED, collective.bandwidth_gbs, 0.1, 1e5),
    LINK_RATE("links.pcie_up_gb_per_s", links.pcie_up),
    LINK_RATE("links.pcie_down_gb_per_s", links.pcie_down),
    LINK_START("links.pcie_start_us", links.pcie_start),
    LINK_RATE("links.peer_gb_per_s", links.peer),
    LINK_START("links.peer_start_us", links.peer_start),
    LINK_RATE("links.host_memory_gb_per_s", links.host_memory),
    LINK_RATE("links.cxl_gb_per_s", links.cxl),
    LINK_START("links.cxl_start_us", links.cxl_start),
    LINK_RATE("links.nvme_read_gb_per_s", links.nvme_read),
    LINK_RATE("links.nvme_write_gb_per_s", links.nvme_write),
    LINK_START("links.nvme_start_us", links.nvme_start),
    LINK_RATE("links.nic_gb_per_s", links.nic),
    LINK_START("links.nic_start_us", links.nic_start),
    REAL_FIELD("sampler.t0_us", "us", sampler.t0, 0, 1e5),
    REAL_FIELD("sampler.per_sequence_us", "us", sampler.per_sequence, 0, 1e5),
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static const struct unit {
    const char *dimension; /* in base units */
    const char *name;
    double factor;
} units[] = {
    {"B", "kB", 1e3},     {"B", "MB", 1e6},        {"B", "GB", 1e9},           {"B", "TB", 1e12},
    {"B", "KiB", 1024.0}, {"B", "MiB", 1048576.0}, {"B", "GiB", 1073741824.0}, {"B", "B", 1.0},
    {"B/s", "MB/s", 1e6}, {"B/s", "GB/s", 1e9},    {"B/s", "TB/s", 1e12},      {"B/s", "GiB/s", 1073741824.0},
    {"s", "ns", 1e-9},    {"s", "us", 1e-6},       {"s", "ms", 1e-3},          {"s", "s", 1.0},
    {"Hz", "MHz", 1e6},   {"Hz", "GHz", 1e9},      {"FLOPS", "TFLOPS", 1e12},  {"FLOPS", "PFLOPS", 1e15},
    {"W", "W", 1.0},      {"W", "kW", 1e3},
};

struct reader {
    yaml_document_t *document;
    const char *file;
    struct device *out;
    struct diag *diag;
    struct diag_where seen[N_FIELDS]; /* line 0: not met */
};

static struct diag_where where_of(const struct reader *reader, yaml_mark_t mark)
{
    return (struct diag_where){
        .file = reader->file, .line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

static const struct unit *find_unit(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* Reads "3350" or "3.35TB/s" or "3.35 TB/s" in the unit of the field. */
static bool parse_number(const struct field *field, const char *text, double *out)
{
    const char *digits = text + (*text == '+' || *text == '-');
    if (!((*digits >= '0' && *digits <= '9') || *digits == '.') || digits[0] == 0 ||
        (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))) {
        return false;
    }
    char *end;
    const double number = strtod(text, &end);
    if (end == text || !isfinite(number)) {
        return false;
    }
    end += strspn(end, " ");
    if (*end == '\0' || strcmp(end, field->unit) == 0) {
        *out = number;
        return true;
    }
    const struct unit *given = find_unit(end);
    const struct unit *own = find_unit(field->unit);
    if (!given || !own || strcmp(given->dimension, own->dimension) != 0) {
        return false;
    }
    *out = number * given->factor / own->factor;
    return true;
}

static void number_error(const struct reader *reader, const struct field *field, struct diag_where where,
                         const char *text)
{
    const char *space = *field->unit ? " " : "";
    diag_error(reader->diag, ASIM_USAGE, where, "'%s' is '%s': must be %s from %g to %g%s%s", field->key, text,
               field->kind == COUNT ? "an integer" : "a number", field->min, field->max, space, field->unit);
}

static void store_number(const struct reader *reader, const struct field *field, struct diag_where where,
                         const char *text)
{
    char *target = (char *)reader->out + field->offset;
    double value;
    if (!parse_number(field, text, &value) || value < field->min || value > field->max ||
        (field->kind == COUNT && value != floor(value))) {
        number_error(reader, field, where, text);
        return;
    }
    switch (field->kind) {
    case REAL:
        memcpy(target, &value, sizeof value);
        break;
    case COUNT: {
        const uint32_t count = (uint32_t)value; /* also the int `bq`: in range by its limits */
        memcpy(target, &count, sizeof count);
        break;
    }
    case BYTES: {
        const uint64_t bytes = (uint64_t)(value * find_unit(field->unit)->factor + 0.5);
        memcpy(target, &bytes, sizeof bytes);
        break;
    }
    default: {
        assert(field->kind == TIME);
        const simtime time = (simtime)(value * find_unit(field->unit)->factor * 1e12 + 0.5);
        memcpy(target, &time, sizeof time);
    }
    }
}

static void store_flag(const struct reader *reader, const struct field *field, struct diag_where where,
                       const char *text)
{
    const char *no = field->kind == FLAG ? "false" : field->no;
    const char *yes = field->kind == FLAG ? "true" : field->yes;
    if (strcmp(text, yes) != 0 && strcmp(text, no) != 0) {
        diag_error(reader->diag, ASIM_USAGE, where, "'%s' is '%s': must be %s or %s", field->key, text, yes, no);
        return;
    }
    const bool value = strcmp(text, yes) == 0;
    memcpy((char *)reader->out + field->offset, &value, sizeof value);
}

static void store_text(const struct reader *reader, const struct field *field, struct diag_where where,
                       const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length >= field->size) {
        diag_error(reader->diag, ASIM_USAGE, where, "'%s' has %zu characters: must have 1 to %zu", field->key, length,
                   field->size - 1);
        return;
    }
    memcpy((char *)reader->out + field->offset, text, length + 1);
}

/* Names of the keys directly below `prefix` ("" or "gemm."), for suggestions; returns their number. */
static size_t sibling_names(const char *prefix, char names[][32])
{
    const size_t skip = strlen(prefix);
    size_t n = 0;
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (strncmp(fields[i].key, prefix, skip) == 0) {
            const size_t length = strcspn(fields[i].key + skip, ".");
            assert(length < 32);
            if (n == 0 || strlen(names[n - 1]) != length || strncmp(names[n - 1], fields[i].key + skip, length) != 0) {
                memcpy(names[n], fields[i].key + skip, length);
                names[n++][length] = '\0';
            }
        }
    }
    return n;
}

static void unknown_key(const struct reader *reader, const char *prefix, const char *key, struct diag_where where)
{
    char names[N_FIELDS][32];
    const char *pointers[N_FIELDS];
    const size_t n = sibling_names(prefix, names);
    for (size_t i = 0; i < n; i++) {
        pointers[i] = names[i];
    }
    const char *nearest = diag_nearest(key, pointers, n);
    diag_error(reader->diag, ASIM_USAGE, where, "unknown key '%s%s'%s%s%s", prefix, key,
               nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static void read_mapping(struct reader *reader, const char *prefix, const yaml_node_t *mapping);

static void read_field(struct reader *reader, size_t index, const yaml_node_t *value, struct diag_where where)
{
    const struct field *field = &fields[index];
    if (reader->seen[index].line) {
        diag_error(reader->diag, ASIM_USAGE, where, "'%s' is given twice, first on line %u", field->key,
                   reader->seen[index].line);
        return;
    }
    reader->seen[index] = where;
    if (value->type != YAML_SCALAR_NODE ||
        strlen((const char *)value->data.scalar.value) != value->data.scalar.length) {
        diag_error(reader->diag, ASIM_USAGE, where, "'%s' must be a single value", field->key);
        return;
    }
    const char *text = (const char *)value->data.scalar.value;
    const struct diag_where at = where_of(reader, value->start_mark);
    if (field->kind == TEXT) {
        store_text(reader, field, at, text);
    } else if (field->kind == FLAG || field->kind == CHOICE) {
        store_flag(reader, field, at, text);
    } else {
        store_number(reader, field, at, text);
    }
}

static void read_pair(struct reader *reader, const char *prefix, const yaml_node_t *key, const yaml_node_t *value)
{
    const struct diag_where where = where_of(reader, key->start_mark);
    char path[2 * MAX_KEY];
    const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
    const size_t length = key->type == YAML_SCALAR_NODE ? key->data.scalar.length : 0;
    if (length == 0 || length >= MAX_KEY || strlen(name) != length) {
        diag_error(reader->diag, ASIM_USAGE, where, "not a key of a device description");
        return;
    }
    snprintf(path, sizeof path, "%s%s", prefix, name);
    const size_t path_length = strlen(path);
    bool section = false;
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (strcmp(fields[i].key, path) == 0) {
            read_field(reader, i, value, where);
            return;
        }
        section = section || (strncmp(fields[i].key, path, path_length) == 0 && fields[i].key[path_length] == '.');
    }
    if (!section) {
        unknown_key(reader, prefix, name, where);
    } else if (value->type != YAML_MAPPING_NODE) {
        diag_error(reader->diag, ASIM_USAGE, where, "'%s' must be a section with keys of its own", path);
    } else {
        strcat(path, ".");
        read_mapping(reader, path, value);
    }
}

static void read_mapping(struct reader *reader, const char *prefix, const yaml_node_t *mapping)
{
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
         pair++) {
        read_pair(reader, prefix, yaml_document_get_node(reader->document, pair->key),
                  yaml_document_get_node(reader->document, pair->value));
    }
}

static bool belongs(const struct device *device, enum condition condition)
{
    switch (condition) {
    case LAW_TWO:
        return !device->collective.fitted;
    case LAW_FITTED:
        return device->collective.fitted;
    case MIXED_VARLEN:
        return !device->attention.separate;
    default:
        return true;
    }
}

static void check_presence(const struct reader *reader)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const bool belongs_here = belongs(reader->out, fields[i].condition);
        const bool seen = reader->seen[i].line != 0;
        if (belongs_here && !seen && fields[i].condition != OPTIONAL) {
            diag_error(reader->diag, ASIM_USAGE, (struct diag_where){.file = reader->file}, "key '%s' is missing%s%s",
                       fields[i].key, *fields[i].unit ? ", in " : "", fields[i].unit);
        } else if (!belongs_here && seen) {
            diag_error(reader->diag, ASIM_USAGE, reader->seen[i], "'%s' has no meaning with %s", fields[i].key,
                       fields[i].condition == LAW_TWO      ? "all_reduce.law: fitted"
                       : fields[i].condition == LAW_FITTED ? "all_reduce.law: one_shot_or_ring"
                                                           : "attention.mixed.kernels: separate");
        }
    }
}

/* Gives the optional keys that are not there their values. Every other one must have been read. */
static void fill_in_links(const struct reader *reader)
{
    const struct device *device = reader->out;
    const struct device typical = {.links = link_defaults(device->pcie_gen, device->pcie_lanes, device->link_gbs)};
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (fields[i].condition == OPTIONAL && reader->seen[i].line == 0) {
            memcpy((char *)reader->out + fields[i].offset, (const char *)&typical + fields[i].offset, sizeof(uint64_t));
        }
    }
}

static void read_document(yaml_document_t *document, const char *name, struct device *out, struct diag *diag)
{
    struct reader reader = {.document = document, .file = name, .out = out, .diag = diag};
    const yaml_node_t *root = yaml_document_get_root_node(document);
    if (!root || root->type != YAML_MAPPING_NODE) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){.file = name}, "a device description must be a YAML mapping");
        return;
    }
    const size_t errors = diag->n_errors;
    read_mapping(&reader, "", root);
    check_presence(&reader);
    if (diag->n_errors == errors) {
        fill_in_links(&reader);
    }
}

asim_status device_parse(const char *text, size_t bytes, const char *name, struct device *out, struct diag *diag)
{
    *out = (struct device){0};
    const size_t errors = diag->n_errors;
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) {
        return diag_error(diag, ASIM_INTERNAL, (struct diag_where){.file = name}, "cannot start the YAML parser");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
    if (!yaml_parser_load(&parser, &document)) {
        const struct diag_where where = {.file = name,
                                         .line = (uint32_t)parser.problem_mark.line + 1,
                                         .column = (uint32_t)parser.problem_mark.column + 1};
        diag_error(diag, ASIM_USAGE, where, "not valid YAML: %s", parser.problem ? parser.problem : "unknown problem");
    } else {
        read_document(&document, name, out, diag);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    config_stem(name, out->name, sizeof out->name);
    return diag->n_errors == errors ? ASIM_OK : ASIM_USAGE;
}
