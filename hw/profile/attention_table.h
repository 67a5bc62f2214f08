/* Measured attention time of one layer as a function of the batch: microseconds by (prefill_chunk, kv_prefill,
 * n_decode, kv_decode), linear on every axis, constant below the first point of an axis, extrapolated from the last two
 * above.
 *
 * Decode-only rows (prefill_chunk 0) run another kernel than mixed ones, so they are a table of their own: per measured
 * n_decode a curve over kv_decode, linear in n_decode between curves. Prefill chunks shorter than the shortest measured
 * one cost as much as that one; they never blend with the decode-only rows.
 *
 * The mixed rows are a union of grids of different spacing, hence ragged. At load they become one regular tensor over
 * all values that occur: measured cells are kept, missing ones are filled from measured neighbours on both sides along
 * one axis, trying kv_decode, kv_prefill, n_decode, prefill_chunk in turn; cells without such neighbours on any axis
 * then take the edge rule (constant below, extrapolated above) in the same order. Filling by linear interpolation keeps
 * the function piecewise linear through every measured point, and an evaluation is 16 reads without any search for
 * neighbours that exist. The alternative, nested lists searched per query, gives the same values for rows within the
 * grids at several times the cost. Rows without decodes hold for every kv_decode.
 */
#ifndef ASIM_HW_PROFILE_ATTENTION_TABLE_H
#define ASIM_HW_PROFILE_ATTENTION_TABLE_H

#include "hw/profile/profile_csv.h"

struct attention_table;

extern const struct profile_csv_format attention_csv_format;

/* NULL with errors added when the rows contradict each other or one of the two parts is missing. */
struct attention_table *attention_table_create(const char *file, const struct profile_csv *csv, struct diag *diag);
void attention_table_destroy(struct attention_table *table);

/* `n` >= 1 sequences decode with `kv` tokens each in the cache (their mean). */
double attention_decode_us(const struct attention_table *table, double n, double kv);

/* A prefill chunk of `tokens` on top of `history` cached tokens, together with `n` >= 0 decodes at `kv` tokens each. */
double attention_mixed_us(const struct attention_table *table, double tokens, double history, double n, double kv);

/* The shortest measured prefill chunk alone, without history: the part of a lone chunk that is launch, not work. */
double attention_launch_us(const struct attention_table *table);

/* Contexts between which attention_decode_us is linear at `n` sequences, from 0 on; returns their number. */
uint32_t attention_decode_knots(const struct attention_table *table, double n, const double **knots);

#endif
