/* Saved states. The input is read as a file, and again as the content of one whose checksum holds: by the loader of
 * recorders, and by a loader that does what the content itself says. */
#include "support/packed_store.h"

#include "base/mem.h"
#include "metrics/recorder.h"

#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was loaded must hold together; what was refused must say why. */
static void load_recorder(struct store_reader *reader, const struct diag *diag)
{
    struct recorder *recorder = recorder_create(
        &(struct recorder_options){.keep_turns = true, .program_rows = 3, .exact_values = 100, .warmup = SIMTIME_S});
    const bool loaded = recorder_load(recorder, reader);
    FUZZ_CHECK(loaded == !store_failed(reader) && loaded == (diag->n_errors == 0));
    if (loaded) {
        struct recorder_summary summary;
        uint64_t n;
        recorder_summarise(recorder, &summary);
        recorder_turns(recorder, &n);
        FUZZ_CHECK(n == summary.turns_completed);
        recorder_programs(recorder, &n);
        FUZZ_CHECK(n <= 3);
    }
    recorder_destroy(recorder);
}

/* Each byte of the section says what to read next. */
static void read_by_itself(struct store_reader *reader)
{
    uint64_t sum = 0;
    if (!store_enter(reader, "script", 1)) {
        return;
    }
    for (int i = 0; i < 100 && !store_failed(reader); i++) {
        char bytes[40];
        const uint8_t what = store_get_u8(reader);
        switch (what) {
        case 0:
            store_leave(reader);
            return;
        case 1:
            sum += store_get_u32(reader);
            break;
        case 2:
            sum += store_get_u64(reader) + (uint64_t)store_get_i64(reader);
            break;
        case 3:
            sum += store_get_double(reader) > 0;
            break;
        case 4:
            mem_free(store_get_text(reader));
            break;
        case 5:
            mem_free(mem_alloc(16 * store_get_count(reader, 16)));
            break;
        case 6:
            store_get_bytes(reader, bytes, sizeof bytes);
            break;
        default:
            store_refuse(reader, "%u is nothing to read", what);
        }
    }
    FUZZ_CHECK(sum + 1 != sum); /* the values are used */
    store_leave(reader);
}

static void read_file(const unsigned char *bytes, size_t n, bool as_recorder)
{
    struct diag diag;
    diag_init(&diag);
    struct store_reader *reader = store_open_stream(bytes_as_file(bytes, n), "input", &diag);
    FUZZ_CHECK((reader == NULL) == (diag.n_errors > 0));
    if (reader) {
        if (as_recorder) {
            load_recorder(reader, &diag);
        } else {
            read_by_itself(reader);
        }
        const asim_status status = store_close(reader);
        FUZZ_CHECK((status == ASIM_OK) == (diag.n_errors == 0) && diag.n_errors <= 1);
    }
    diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n;
    unsigned char *file = packed_store(data, size, &n);
    read_file(data, size, true);
    read_file(file, n, true);
    read_file(file, n, false);
    mem_free(file);
    return 0;
}
