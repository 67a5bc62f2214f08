/* Where the KV of programs was: records of a result, and the same as lines of JSON. */
#include "api/result.h"

#include <inttypes.h>
#include <jansson.h>

size_t asim_result_residency_count(const asim_result *result)
{
    return result->residency ? result->residency->n_records : 0;
}

asim_status asim_result_residency(const asim_result *result, size_t index, asim_residency *out)
{
    if (out->struct_size != sizeof *out || index >= asim_result_residency_count(result)) {
        return ASIM_USAGE;
    }
    *out = result->residency->records[index];
    return ASIM_OK;
}

/* ---- lines ---- */

static const char *const tier_names[ASIM_TIERS] = {"hbm", "dram", "cxl", "nvme"};

static void put_time(FILE *file, const char *key, int64_t time)
{
    char seconds[SIMTIME_TEXT_BYTES];
    fprintf(file, "\"%s\":%s", key, simtime_text(time, seconds));
}

static void put_text(FILE *file, const char *key, const char *text)
{
    json_t *string = text ? json_string(text) : NULL;
    fprintf(file, ",\"%s\":", key);
    if (string) {
        json_dumpf(string, file, JSON_ENCODE_ANY);
    } else {
        fputs("null", file);
    }
    json_decref(string);
}

static void put_instance(FILE *file, const char *key, uint32_t instance)
{
    if (instance == UINT32_MAX) {
        fprintf(file, ",\"%s\":null", key);
    } else {
        fprintf(file, ",\"%s\":%" PRIu32, key, instance);
    }
}

static void put_tiers(FILE *file, const asim_residency *record)
{
    const char *comma = "";
    fputs(",\"tiers\":{", file);
    for (int i = 0; i < ASIM_TIERS; i++) {
        const asim_kv_share *share = &record->tiers[i];
        if (!(record->tiers_told & 1u << i)) {
            continue;
        }
        fprintf(file,
                "%s\"%s\":{\"bytes\":%" PRIu64 ",\"blocks\":%" PRIu32 ",\"held_blocks\":%" PRIu32
                ",\"shared_blocks\":%" PRIu32,
                comma, tier_names[i], share->bytes, share->blocks, share->held_blocks, share->shared_blocks);
        if (record->is_instance) {
            fprintf(file, ",\"usable_blocks\":%" PRIu32 ",\"other_blocks\":%" PRIu32, share->usable_blocks,
                    share->other_blocks);
        }
        fputc('}', file);
        comma = ",";
    }
    fputc('}', file);
}

static void put_turn(FILE *file, const asim_kv_turn *turn)
{
    static const char *const phases[] = {
        [ASIM_KV_JOIN] = "join",       [ASIM_KV_GAP] = "gap",         [ASIM_KV_GATEWAY] = "gateway",
        [ASIM_KV_SENT] = "sent",       [ASIM_KV_WAITING] = "waiting", [ASIM_KV_LOADING] = "loading",
        [ASIM_KV_LEAVING] = "leaving", [ASIM_KV_RUNNING] = "running"};
    fprintf(file, "{\"turn\":%" PRIu32 ",\"phase\":\"%s\"", turn->turn, phases[turn->phase]);
    put_instance(file, "at", turn->at);
    if (turn->ready_ps < 0) {
        fputs(",\"ready_s\":null", file);
    } else {
        fputc(',', file);
        put_time(file, "ready_s", turn->ready_ps);
    }
    fprintf(file, ",\"context_tokens\":%" PRIu32 ",\"extents\":[", turn->context_tokens);
    for (size_t i = 0; i < turn->n_extents; i++) {
        const asim_kv_extent *extent = &turn->extents[i];
        const bool somewhere = extent->tier < ASIM_TIERS;
        fprintf(file, "%s{\"first\":%" PRIu32 ",\"tokens\":%" PRIu32 ",\"tier\":%s%s%s}", i ? "," : "", extent->first,
                extent->tokens, somewhere ? "\"" : "", somewhere ? tier_names[extent->tier] : "null",
                somewhere ? "\"" : "");
    }
    fputs("]}", file);
}

static void put_pin(FILE *file, const asim_kv_pin *pin)
{
    static const char *const reasons[] = {[ASIM_KV_BY_TURN] = "turn",
                                          [ASIM_KV_BY_PIN] = "pin",
                                          [ASIM_KV_BY_HOLD] = "hold",
                                          [ASIM_KV_BY_TRANSFER] = "transfer"};
    static const char *const ends[] = {
        [ASIM_KV_UNTIL_NEEDED] = "needed", [ASIM_KV_UNTIL_ADMITTED] = "admitted", [ASIM_KV_UNTIL_DONE] = "done"};
    fprintf(file, "{\"by\":\"%s\"", reasons[pin->by]);
    if (pin->policy) {
        put_text(file, "policy", pin->policy);
    }
    if (pin->turn != UINT32_MAX) {
        fprintf(file, ",\"turn\":%" PRIu32, pin->turn);
    }
    fprintf(file, ",\"tier\":\"%s\",\"blocks\":%" PRIu32 ",", tier_names[pin->tier], pin->blocks);
    if (pin->until == ASIM_KV_UNTIL_TIME) {
        put_time(file, "until_s", pin->until_ps);
    } else {
        fprintf(file, "\"until\":\"%s\"", ends[pin->until]);
    }
    fputc('}', file);
}

static void put_transfer(FILE *file, const asim_kv_transfer *transfer)
{
    fprintf(file,
            "{\"kind\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"blocks\":%" PRIu32 ",\"bytes\":%" PRIu64
            ",\"moved_bytes\":%" PRIu64 ",\"waits\":%s",
            transfer->kind, tier_names[transfer->from], tier_names[transfer->to], transfer->blocks, transfer->bytes,
            transfer->moved_bytes, transfer->waits ? "true" : "false");
    if (transfer->starts_ps >= 0) {
        fputc(',', file);
        put_time(file, "starts_s", transfer->starts_ps);
    }
    fputc('}', file);
}

static void put_record(FILE *file, const asim_residency *record)
{
    fputc('{', file);
    put_time(file, "time_s", record->time_ps);
    put_instance(file, "instance", record->instance);
    if (!record->is_instance) {
        fprintf(file, ",\"program\":%" PRIu64, record->program);
        put_text(file, "name", record->name);
    }
    put_tiers(file, record);
    if (!record->is_instance) {
        fputs(",\"turns\":[", file);
        for (size_t i = 0; i < record->n_turns; i++) {
            fputs(i ? "," : "", file);
            put_turn(file, &record->turns[i]);
        }
        fputs("],\"pinned\":[", file);
        for (size_t i = 0; i < record->n_pins; i++) {
            fputs(i ? "," : "", file);
            put_pin(file, &record->pins[i]);
        }
        fputs("],\"in_flight\":[", file);
        for (size_t i = 0; i < record->n_transfers; i++) {
            fputs(i ? "," : "", file);
            put_transfer(file, &record->transfers[i]);
        }
        fputc(']', file);
    }
    fputs("}\n", file);
}

asim_status asim_result_write_residency(const asim_result *result, FILE *file)
{
    if (!result->residency) {
        return ASIM_USAGE;
    }
    for (size_t i = 0; i < result->residency->n_records; i++) {
        put_record(file, &result->residency->records[i]);
    }
    return fflush(file) == 0 && !ferror(file) ? ASIM_OK : ASIM_IO;
}
