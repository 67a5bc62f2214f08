#include "kv/ledger.h"

#include "base/mem.h"
#include "kv/pool_internal.h"

#include <stdlib.h>

void kv_ledger_init(struct kv_ledger *ledger, const struct kv_pool *pool)
{
    *ledger = (struct kv_ledger){.pool = pool};
}

void kv_ledger_fini(struct kv_ledger *ledger)
{
    mem_free(ledger->entries);
    mem_free(ledger->shares);
}

static void add(struct kv_ledger *ledger, struct kv_entry entry)
{
    if (entry.n) {
        ledger->entries =
            mem_grow(ledger->entries, &ledger->entry_capacity, ledger->n_entries + 1, sizeof *ledger->entries);
        ledger->entries[ledger->n_entries++] = entry;
    }
}

void kv_ledger_hold(struct kv_ledger *ledger, uint64_t owner, const struct kv_holder *holder, uint32_t unclaimed)
{
    const struct prefix_index *index = &ledger->pool->index;
    for (uint32_t i = 0; i < holder->n_ranges; i++) {
        const struct kv_range *range = kv_holder_range(holder, i);
        const struct prefix_node *x;
        uint32_t node = range->end;
        do {
            x = prefix_index_node(index, node);
            add(ledger, (struct kv_entry){.owner = owner,
                                          .node = node,
                                          .copy = prefix_index_copy(index, node, range->lane),
                                          .n = x->n,
                                          .is_held = true});
            node = x->parent;
        } while (x->depth != range->lo);
    }
    add(ledger, (struct kv_entry){.owner = owner,
                                  .node = KV_NONE,
                                  .copy = KV_NONE,
                                  .n = holder->anonymous_blocks + unclaimed,
                                  .is_held = true});
}

void kv_ledger_find(struct kv_ledger *ledger, uint64_t owner, struct kv_hit hit)
{
    const struct prefix_index *index = &ledger->pool->index;
    uint32_t left = hit.blocks;
    for (uint32_t node = hit.end; left; node = prefix_index_node(index, node)->parent) {
        const struct prefix_node *x = prefix_index_node(index, node);
        add(ledger, (struct kv_entry){.owner = owner, .node = node, .copy = x->first_copy, .n = left - x->depth});
        left = x->depth;
    }
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Of one owner and node: what is held first, copy by copy; then the longest that is found. */
static int by_owner(const void *left, const void *right)
{
    const struct kv_entry *a = left;
    const struct kv_entry *b = right;
    const int owner = compare(a->owner, b->owner);
    const int node = compare(a->node, b->node);
    const int held = compare(b->is_held, a->is_held);
    const int copy = compare(a->copy, b->copy);
    return owner ? owner : node ? node : held ? held : copy ? copy : compare(b->n, a->n);
}

static int by_copy(const void *left, const void *right)
{
    const struct kv_entry *a = left;
    const struct kv_entry *b = right;
    const int copy = compare(a->copy, b->copy);
    return copy ? copy : compare(a->owner, b->owner);
}

/* Whether the entry before it, of the same owner, stands for its blocks too. */
static bool is_again(const struct kv_entry *entry, const struct kv_entry *before)
{
    return entry->node != KV_NONE && entry->owner == before->owner && entry->node == before->node &&
           (!entry->is_held || entry->copy == before->copy);
}

static struct kv_share *share_of(const struct kv_ledger *ledger, uint64_t owner)
{
    size_t low = 0;
    size_t high = ledger->n_shares;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ledger->shares[middle].owner < owner) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ledger->n_shares && ledger->shares[low].owner == owner ? &ledger->shares[low] : NULL;
}

/* What each owner has; what an owner has twice is one entry then. */
static void count_owners(struct kv_ledger *ledger)
{
    size_t kept = 0;
    for (size_t i = 0; i < ledger->n_entries; i++) {
        const struct kv_entry entry = ledger->entries[i];
        if (kept && is_again(&entry, &ledger->entries[kept - 1])) {
            continue;
        }
        ledger->entries[kept++] = entry;
        if (!ledger->n_shares || ledger->shares[ledger->n_shares - 1].owner != entry.owner) {
            ledger->shares =
                mem_grow(ledger->shares, &ledger->share_capacity, ledger->n_shares + 1, sizeof *ledger->shares);
            ledger->shares[ledger->n_shares++] = (struct kv_share){.owner = entry.owner};
        }
        struct kv_share *share = &ledger->shares[ledger->n_shares - 1];
        share->blocks += entry.n;
        share->held += entry.is_held ? entry.n : 0;
    }
    ledger->n_entries = kept;
}

/* `n` entries of one copy. */
static void count_copy(struct kv_ledger *ledger, const struct kv_entry *entries, size_t n)
{
    uint32_t most = 0;
    uint32_t held = 0;
    uint32_t holders = 0;
    for (size_t i = 0; i < n; i++) {
        most = entries[i].n > most ? entries[i].n : most;
        held = entries[i].is_held ? entries[i].n : held;
        holders += entries[i].is_held;
    }
    ledger->known += most;
    ledger->held += held;
    ledger->shared += holders > 1 ? held : 0;
    for (size_t i = 0; holders > 1 && i < n; i++) {
        share_of(ledger, entries[i].owner)->shared += entries[i].is_held ? held : 0;
    }
}

void kv_ledger_close(struct kv_ledger *ledger)
{
    if (!ledger->n_entries) {
        return;
    }
    qsort(ledger->entries, ledger->n_entries, sizeof *ledger->entries, by_owner);
    count_owners(ledger);
    qsort(ledger->entries, ledger->n_entries, sizeof *ledger->entries, by_copy);
    size_t first = 0;
    for (size_t i = 1; i <= ledger->n_entries; i++) {
        const uint32_t copy = ledger->entries[first].copy;
        if (i == ledger->n_entries || ledger->entries[i].copy != copy || copy == KV_NONE) {
            count_copy(ledger, ledger->entries + first, i - first);
            first = i;
        }
    }
}

struct kv_share kv_ledger_share(const struct kv_ledger *ledger, uint64_t owner)
{
    const struct kv_share *share = share_of(ledger, owner);
    return share ? *share : (struct kv_share){.owner = owner};
}
