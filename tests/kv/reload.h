/* A pool by way of a file. */
#ifndef ASIM_TESTS_KV_RELOAD_H
#define ASIM_TESTS_KV_RELOAD_H

#include "kv/pool.h"

#include <stddef.h>

/* Saves a pool and its holders, loads them into a fresh pool and the same holders; NULL, with the error, when they are
 * refused. The old pool is left to be destroyed. */
struct kv_pool *reload_pool(const struct kv_pool *pool, struct kv_holder *const *holders, size_t n_holders,
                            char *message, size_t message_bytes);

#endif
