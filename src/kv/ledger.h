/* Whose the blocks of a pool are: what owners hold, and what a look-up finds for them, for who reports on a pool.
 *
 * Holders and hits are taken down with an owner, and then physical blocks are counted: one that an owner holds twice,
 * or holds and would find, counts once for it; one that several owners have counts for each of them. A list of all
 * nodes on all paths is sorted for it: nothing is kept in the pool for this, and a pool that nobody asks about pays
 * nothing.
 */
#ifndef ASIM_KV_LEDGER_H
#define ASIM_KV_LEDGER_H

#include "kv/pool.h"

#include <stddef.h>

/* What an owner has. */
struct kv_share {
    uint64_t owner;
    uint32_t blocks; /* that it holds or finds */
    uint32_t held;   /* of those, that it holds */
    uint32_t shared; /* of those held, that others hold too */
};

struct kv_entry {
    uint64_t owner;
    uint32_t node, copy; /* of the pool's index; KV_NONE: blocks without a name */
    uint32_t n;
    bool is_held;
};

struct kv_ledger {
    const struct kv_pool *pool; /* that does not change meanwhile */
    struct kv_entry *entries;
    size_t n_entries, entry_capacity;
    struct kv_share *shares; /* by owner, once it is closed */
    size_t n_shares, share_capacity;
    uint32_t known;  /* blocks that some owner has, */
    uint32_t held;   /* that some owner holds, */
    uint32_t shared; /* that several hold */
};

void kv_ledger_init(struct kv_ledger *ledger, const struct kv_pool *pool);
void kv_ledger_fini(struct kv_ledger *ledger);

/* The owner holds this, and `unclaimed` of the pool's reserved blocks. */
void kv_ledger_hold(struct kv_ledger *ledger, uint64_t owner, const struct kv_holder *holder, uint32_t unclaimed);

/* The owner would find this. */
void kv_ledger_find(struct kv_ledger *ledger, uint64_t owner, struct kv_hit hit);

/* Everything has been taken down: counts. */
void kv_ledger_close(struct kv_ledger *ledger);

/* Of a closed ledger; all zero for an owner that has nothing. */
struct kv_share kv_ledger_share(const struct kv_ledger *ledger, uint64_t owner);

#endif
