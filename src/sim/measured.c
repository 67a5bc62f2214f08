#include "sim/measured.h"

#include "base/mem.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

void measured_fini(struct measured_run *run)
{
    mem_free(run->requests);
    *run = (struct measured_run){0};
}

static bool read_number(const json_t *line, const char *key, double *out, struct diag_where where, struct diag *diag)
{
    const json_t *value = json_object_get(line, key);
    if (!json_is_number(value)) {
        diag_error(diag, ASIM_INPUT, where, "'%s' is missing or not a number", key);
        return false;
    }
    *out = json_number_value(value);
    return true;
}

static bool read_count(const json_t *line, const char *key, uint32_t *out, struct diag_where where, struct diag *diag)
{
    const json_t *value = json_object_get(line, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX) {
        diag_error(diag, ASIM_INPUT, where, "'%s' is missing or not a number of tokens", key);
        return false;
    }
    *out = (uint32_t)json_integer_value(value);
    return true;
}

static bool read_request(const char *text, size_t bytes, struct measured_request *out, struct diag_where where,
                         struct diag *diag)
{
    json_error_t error;
    json_t *line = json_loadb(text, bytes, 0, &error);
    if (!line) {
        where.column = error.column > 0 ? (uint32_t)error.column : 0;
        diag_error(diag, ASIM_INPUT, where, "not JSON: %s", error.text);
        return false;
    }
    *out = (struct measured_request){.line = where.line};
    bool good = read_count(line, "input_toks", &out->input_toks, where, diag) &&
                read_count(line, "output_toks", &out->output_toks, where, diag) &&
                read_number(line, "arrival_time", &out->arrival_s, where, diag) &&
                read_number(line, "queued_ts", &out->queued_s, where, diag) &&
                read_number(line, "scheduled_ts", &out->scheduled_s, where, diag) &&
                read_number(line, "first_token_ts", &out->first_token_s, where, diag) &&
                read_number(line, "last_token_ts", &out->last_token_s, where, diag);
    json_decref(line);
    if (good && !(out->queued_s <= out->scheduled_s && out->scheduled_s <= out->first_token_s &&
                  out->first_token_s <= out->last_token_s)) {
        diag_error(diag, ASIM_INPUT, where,
                   "times must not decrease: queued_ts <= scheduled_ts <= first_token_ts <= last_token_ts");
        good = false;
    }
    return good;
}

static void recover_arrivals(struct measured_run *run)
{
    double offset = 0.0;
    for (uint64_t i = 0; i < run->n; i++) {
        const double difference = run->requests[i].queued_s - run->requests[i].arrival_s;
        offset = i == 0 || difference < offset ? difference : offset;
    }
    for (uint64_t i = 0; i < run->n; i++) {
        run->requests[i].arrival_s += offset;
    }
}

asim_status measured_read(const char *path, struct measured_run *out, struct diag *diag)
{
    *out = (struct measured_run){0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        return diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path}, "cannot be read: %s", strerror(errno));
    }
    char *text = NULL;
    size_t text_capacity = 0;
    size_t capacity = 0;
    bool good = true;
    struct diag_where where = {.file = path};
    for (ssize_t length; (length = getline(&text, &text_capacity, file)) >= 0;) {
        where.line++;
        while (length && strchr(" \t\r\n", text[length - 1])) {
            length--;
        }
        if (length) {
            out->requests = mem_grow(out->requests, &capacity, out->n + 1, sizeof *out->requests);
            good = read_request(text, (size_t)length, &out->requests[out->n], where, diag) && good;
            out->n++;
        }
    }
    free(text);
    fclose(file);
    if (good && out->n == 0) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path}, "holds no requests");
        good = false;
    }
    if (!good) {
        measured_fini(out);
        return diag->status;
    }
    recover_arrivals(out);
    return ASIM_OK;
}
