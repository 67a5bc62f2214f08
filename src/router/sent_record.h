/* The router's own record of what it sent where: an approximate prefix index of each instance, and the prompt tokens
 * that each has still to compute.
 *
 * An index is a KV pool of the instance's size that nobody ever holds anything of: prompts are looked up in it,
 * entered, and released at once, so it is an LRU cache of their blocks. It knows neither what instances generate nor
 * what they evict. Looking a prompt up costs one look-up for each instance.
 *
 * Tokens are pending from the sending of a turn until the telemetry says that it has begun; the first sent are taken to
 * begin first.
 */
#ifndef ASIM_ROUTER_SENT_RECORD_H
#define ASIM_ROUTER_SENT_RECORD_H

#include "base/store.h"
#include "workload/extent.h"

#include <stdint.h>

struct sent_record;

struct sent_record *sent_record_create(uint32_t n_instances, uint32_t usable_blocks, uint32_t block_size);
void sent_record_destroy(struct sent_record *record);

/* By instance: full leading blocks of the prompt's first prompt_toks - 1 tokens that were sent there. Valid until the
 * next call. */
const uint32_t *sent_record_overlap(struct sent_record *record, struct content content, uint32_t prompt_toks);

/* By instance: prompt tokens that were not in its index when they were sent and have not been seen to begin. */
const uint64_t *sent_record_pending(const struct sent_record *record);

/* The prompt that was looked up last goes to `instance`. */
void sent_record_enter(struct sent_record *record, uint32_t instance, struct content content, uint32_t prompt_toks);

/* Of the turns sent to an instance all but `outstanding` have ended, and all but `unbegun`, no more than those, have
 * begun. What is pending depends on the last observation and on what was sent, not on the observations before. */
void sent_record_observe(struct sent_record *record, uint32_t instance, uint32_t outstanding, uint32_t unbegun);

/* Blocks in the index of an instance. */
uint32_t sent_record_blocks(const struct sent_record *record, uint32_t instance);

/* As part of the caller's section, all instances and one; with what was observed last, and sent since. False when the
 * file does not fit: the reader knows why. */
void sent_record_save(const struct sent_record *record, struct store_writer *writer);
bool sent_record_load(struct sent_record *record, uint32_t instance, uint32_t outstanding, uint32_t unbegun,
                      struct store_reader *reader);

#endif
