/* A pool and its holders in a store (base/store.h), as part of the caller's section.
 *
 * The cells are kept as they lie in memory, so that a loaded pool goes on exactly as the saved one; the table of
 * children is built anew. A file may hold anything: kv_pool_load and kv_holder_load believe nothing that a later access
 * relies on, and kv_pool_accept, once all holders are there, checks every invariant of the whole. Until it has
 * succeeded a loaded pool may only be destroyed, and its holders be finished.
 */
#ifndef ASIM_KV_POOL_STORE_H
#define ASIM_KV_POOL_STORE_H

#include "base/store.h"
#include "kv/pool.h"

#include <stddef.h>

void kv_pool_save(const struct kv_pool *pool, struct store_writer *writer);

/* Fills a fresh pool, made with the same arguments as the saved one. False when that is refused; the reader has the
 * reason. */
bool kv_pool_load(struct kv_pool *pool, struct store_reader *reader);

/* A holder: which blocks, not whose content. Whoever loads it sees to it that the content has at least the hashed
 * blocks. */
void kv_holder_save(const struct kv_holder *holder, struct store_writer *writer);

/* Fills an empty holder. */
bool kv_holder_load(struct kv_holder *holder, struct store_reader *reader);

/* Whether pool and holders, which must be all of its holders, fit together; if not, the reader is told why. */
bool kv_pool_accept(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders,
                    struct store_reader *reader);

#endif
