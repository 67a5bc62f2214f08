/* Profile tables from arbitrary bytes: the first byte chooses the kind of table, the rest is the file. A table that is
 * accepted must give finite, non-negative times everywhere. */
#include "hw/profile/attention_table.h"
#include "hw/profile/layer_table.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void expect_time(double us)
{
    expect(isfinite(us) && us >= 0.0);
}

static const double probes[] = {0, 1, 7, 100, 5000, 2e9};
enum { N_PROBES = sizeof probes / sizeof probes[0] };

static void probe_layers(const struct profile_csv *csv)
{
    struct arena arena;
    arena_init(&arena);
    struct curve curves[N_DENSE_LAYERS] = {{0}};
    layer_table_build(csv, &arena, curves);
    for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
        for (int i = 0; i < N_PROBES && curves[layer].n > 0; i++) {
            expect_time(curve_at(&curves[layer], probes[i]));
        }
    }
    arena_fini(&arena);
}

static void probe_attention(const struct profile_csv *csv, struct diag *diag)
{
    struct attention_table *table = attention_table_create("fuzz", csv, diag);
    expect((table != NULL) == (diag->n_errors == 0));
    if (!table) {
        return;
    }
    for (int i = 0; i < N_PROBES; i++) {
        for (int j = 0; j < N_PROBES; j++) {
            expect_time(attention_decode_us(table, probes[i] + 1, probes[j]));
            expect_time(attention_mixed_us(table, probes[i], probes[j], probes[(i + j) % N_PROBES], probes[j]));
        }
        const double *knots;
        const uint32_t n = attention_decode_knots(table, probes[i], &knots);
        expect(knots[0] == 0.0);
        for (uint32_t k = 1; k < n; k++) {
            expect(knots[k - 1] < knots[k]);
        }
    }
    attention_table_destroy(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    static const struct profile_csv_format *const formats[] = {&dense_csv_format, &sequence_csv_format,
                                                               &attention_csv_format};
    const struct profile_csv_format *format = formats[data[0] % 3];
    struct diag diag;
    diag_init(&diag);
    struct profile_csv csv;
    const asim_status status = profile_csv_parse("fuzz", (const char *)data + 1, size - 1, format, &csv, &diag);
    expect((status == ASIM_OK) == (csv.n_rows > 0) && (status == ASIM_OK) == (diag.n_errors == 0));
    if (csv.n_rows > 0 && format == &attention_csv_format) {
        probe_attention(&csv, &diag);
    } else if (csv.n_rows > 0) {
        probe_layers(&csv);
    }
    profile_csv_fini(&csv);
    diag_fini(&diag);
    return 0;
}
