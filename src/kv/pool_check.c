/* The invariants of a pool, checked by walking all of it: O(nodes + copies + ranges). Nothing is taken for granted that
 * was not checked before, so that a pool read from a file may hold anything. */
#include "kv/pool.h"

#include "base/mem.h"
#include "kv/arc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Leaves the calling check with what is wrong. */
#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return found(walk, #condition, __VA_ARGS__);                                                               \
        }                                                                                                              \
    } while (0)

/* What a cell was found to be; a node and its home run share one. */
enum { CELL_FREE = 1, CELL_NODE = 2, CELL_COPY = 4, CELL_ANONYMOUS = 8, CELL_MARK = 16 };

struct walk {
    const struct kv_pool *pool;
    const struct kv_cell *cells;
    const struct kv_run *runs;
    uint32_t n_cells;
    uint8_t *uses;      /* of each cell */
    uint32_t *place;    /* of each run in the queue, from 1; 0 = not queued */
    uint32_t *children; /* counted, by node; later the ends of ranges */
    uint32_t *xors;     /* of children; later the references to each copy */
    uint64_t held;      /* blocks in held copies */
    uint32_t n_live;
    uint32_t n_queued_copies;
    uint64_t by_kind[2]; /* blocks of copies, recent and frequent */
    struct kv_fault *fault;
};

__attribute__((format(printf, 3, 4))) static bool found(struct walk *walk, const char *condition, const char *format,
                                                        ...)
{
    char where[80];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    snprintf(walk->fault->text, sizeof walk->fault->text, "%s: %s", where, condition);
    return false;
}

static bool is_live(const struct walk *walk, uint32_t node)
{
    return node != PREFIX_ROOT && node < walk->n_cells && walk->cells[node].node.n > 0;
}

static bool is_run(const struct walk *walk, uint32_t run)
{
    return run != PREFIX_ROOT && run < walk->n_cells;
}

static bool check_spare(struct walk *walk)
{
    for (uint32_t c = walk->pool->queue.store.spare; c != KV_NONE; c = walk->runs[c].next) {
        REQUIRE(is_run(walk, c), "spare cell %u", c);
        REQUIRE(!walk->uses[c] && walk->cells[c].node.n == 0, "spare cell %u", c);
        walk->uses[c] = CELL_FREE;
    }
    return true;
}

/* The mark of an ARC, which is not after another run that was the mark. */
static bool check_mark(struct walk *walk, uint32_t run)
{
    REQUIRE(!walk->uses[run] && walk->cells[run].node.n == 0 && walk->runs[run].node == PREFIX_ROOT, "mark %u", run);
    walk->uses[run] = CELL_MARK;
    return true;
}

static bool check_queue(struct walk *walk)
{
    const struct kv_pool *pool = walk->pool;
    const struct kv_arc *arc = pool->arc;
    bool marked = false;
    uint64_t free = 0;
    uint64_t cached = 0;
    uint32_t prev = KV_NONE;
    uint32_t place = 0;
    for (uint32_t r = pool->queue.head; r != KV_NONE; prev = r, r = walk->runs[r].next) {
        REQUIRE(is_run(walk, r), "queued run %u", r);
        const uint32_t owner = walk->runs[r].node;
        REQUIRE(walk->runs[r].prev == prev, "run %u", r);
        REQUIRE(!walk->place[r], "run %u is queued twice", r);
        walk->place[r] = ++place;
        if (arc && r == arc->mark) {
            if (!check_mark(walk, r)) {
                return false;
            }
            marked = true;
        } else if (owner == KV_NONE) {
            REQUIRE(!arc || prev == KV_NONE, "empty blocks come first");
            REQUIRE(!walk->uses[r] && walk->cells[r].node.n == 0, "run %u", r);
            REQUIRE(walk->runs[r].count > 0, "run %u", r);
            REQUIRE(prev == KV_NONE || walk->runs[prev].node != KV_NONE, "run %u should be joined", r);
            walk->uses[r] = CELL_ANONYMOUS;
            free += walk->runs[r].count;
        } else {
            REQUIRE(is_live(walk, owner), "run %u of node %u", r, owner);
            REQUIRE(walk->cells[r].copy.frequent == marked, "run %u is in the wrong part", r);
            free += walk->cells[owner].node.n;
            cached += walk->cells[owner].node.n;
            walk->n_queued_copies++;
        }
    }
    REQUIRE(pool->queue.tail == prev, "tail");
    REQUIRE(!arc || marked, "mark");
    REQUIRE(free == pool->free && cached == pool->cached_free, "queue holds %llu blocks", (unsigned long long)free);
    return true;
}

/* Parents, children, depths: what makes the nodes a tree. */
static bool check_tree(struct walk *walk)
{
    const struct prefix_node *root = &walk->cells[PREFIX_ROOT].node;
    REQUIRE(root->n == 0 && root->depth == 0 && root->first_copy == KV_NONE, "root");
    for (uint32_t i = 1; i < walk->n_cells; i++) {
        const struct prefix_node *x = &walk->cells[i].node;
        if (!is_live(walk, i)) {
            continue;
        }
        REQUIRE(!walk->uses[i], "node %u", i);
        walk->uses[i] = CELL_NODE;
        walk->n_live++;
        REQUIRE(x->parent == PREFIX_ROOT || is_live(walk, x->parent), "node %u", i);
        const struct prefix_node *parent = &walk->cells[x->parent].node;
        REQUIRE(x->depth == (uint64_t)parent->depth + parent->n, "node %u", i);
        REQUIRE(x->n <= walk->pool->usable, "node %u", i);
        REQUIRE(!block_key_is_composite(x->key) || x->n == 1, "node %u", i);
        walk->children[x->parent]++;
        walk->xors[x->parent] ^= i;
    }
    for (uint32_t i = 0; i < walk->n_cells; i++) {
        if (i == PREFIX_ROOT || is_live(walk, i)) {
            REQUIRE(walk->cells[i].node.n_children == walk->children[i], "node %u", i);
            REQUIRE(walk->cells[i].node.child_xor == walk->xors[i], "node %u", i);
        }
    }
    REQUIRE(walk->n_live == walk->pool->index.n_live, "%u live nodes", walk->n_live);
    return true;
}

/* The copies of a node: lanes increase, queued exactly when nobody holds them. */
static bool check_copies(struct walk *walk, uint32_t node)
{
    const struct prefix_node *x = &walk->cells[node].node;
    REQUIRE(x->first_copy != KV_NONE, "node %u has no copy", node);
    uint32_t last = KV_NONE;
    for (uint32_t c = x->first_copy; c != KV_NONE; last = c, c = walk->cells[c].copy.next) {
        REQUIRE(is_run(walk, c), "copy %u of node %u", c, node);
        const struct kv_copy *copy = &walk->cells[c].copy;
        REQUIRE(walk->runs[c].node == node, "copy %u of node %u", c, node);
        REQUIRE(walk->uses[c] == (c == node ? CELL_NODE : 0), "copy %u of node %u", c, node);
        walk->uses[c] |= CELL_COPY;
        REQUIRE(last == KV_NONE || walk->cells[last].copy.lane < copy->lane, "copy %u of node %u", c, node);
        REQUIRE(copy->lane <= INT32_MAX, "copy %u of node %u", c, node);
        REQUIRE((copy->ref == 0) == (walk->place[c] != 0), "copy %u of node %u", c, node);
        REQUIRE(copy->frequent <= (walk->pool->arc != NULL), "copy %u of node %u", c, node);
        REQUIRE(!walk->pool->arc || last == KV_NONE, "node %u has two copies", node);
        walk->by_kind[copy->frequent] += x->n;
        walk->held += copy->ref ? x->n : 0;
        walk->n_queued_copies -= copy->ref == 0;
    }
    REQUIRE(walk->uses[node] & CELL_COPY || walk->runs[node].node == KV_NONE, "home of node %u", node);
    return true;
}

/* Every copy has one of the parent that outlives it: held, or later in the queue, or not given up before it by an ARC.
 * No lane is below the parent's first. */
static bool check_closure(struct walk *walk, uint32_t node)
{
    const struct kv_cell *cells = walk->cells;
    const struct prefix_node *x = &cells[node].node;
    if (x->parent == PREFIX_ROOT) {
        return true;
    }
    const uint32_t first = cells[x->parent].node.first_copy;
    uint32_t latest = 0;
    for (uint32_t c = first; c != KV_NONE; c = cells[c].copy.next) {
        const uint32_t place = cells[c].copy.ref ? UINT32_MAX : walk->place[c];
        latest = place > latest ? place : latest;
    }
    for (uint32_t c = x->first_copy; c != KV_NONE; c = cells[c].copy.next) {
        REQUIRE(latest > walk->place[c] || walk->pool->arc, "node %u can outlive its parent", node);
        REQUIRE(cells[first].copy.lane <= cells[c].copy.lane, "copy %u of node %u", c, node);
        REQUIRE(!cells[c].copy.ref || latest == UINT32_MAX, "node %u is held and its parent is not", node);
    }
    return true;
}

/* Idle pairs may become neighbours in the queue when what stood between them leaves; they are merged when next
 * touched. All other pairs are merged at once. */
static bool all_held(const struct walk *walk, uint32_t node)
{
    bool held = true;
    for (uint32_t c = walk->cells[node].node.first_copy; c != KV_NONE; c = walk->cells[c].copy.next) {
        held = held && walk->cells[c].copy.ref > 0;
    }
    return held;
}

static bool check_nodes(struct walk *walk)
{
    const struct prefix_index *index = &walk->pool->index;
    for (uint32_t i = 1; i < walk->n_cells; i++) {
        if (is_live(walk, i) && !check_copies(walk, i)) {
            return false;
        }
    }
    for (uint32_t i = 1; i < walk->n_cells; i++) {
        if (!is_live(walk, i)) {
            continue;
        }
        const struct prefix_node *x = &walk->cells[i].node;
        REQUIRE(prefix_index_child(index, x->parent, x->key) == i, "node %u", i);
        REQUIRE(!(prefix_index_mergeable(index, i) && all_held(walk, i)), "node %u should be merged", i);
        if (!check_closure(walk, i)) {
            return false;
        }
    }
    uint32_t n_slots = 0;
    for (uint64_t i = 0; i <= index->slot_mask; i++) {
        n_slots += index->slots[i].node != KV_NONE;
    }
    REQUIRE(n_slots == index->n_live, "%u children in the table", n_slots);
    REQUIRE(walk->n_queued_copies == 0, "a queued copy is in no node's list");
    return true;
}

static bool check_totals(struct walk *walk)
{
    const struct kv_pool *pool = walk->pool;
    for (uint32_t i = 1; i < walk->n_cells; i++) {
        REQUIRE(walk->uses[i], "cell %u is lost", i);
    }
    REQUIRE((uint64_t)pool->free + walk->held + pool->anonymous == pool->usable, "%llu blocks in held copies",
            (unsigned long long)walk->held);
    REQUIRE(pool->reserved <= pool->anonymous, "reserved");
    const struct kv_arc *arc = pool->arc;
    REQUIRE(!arc || (walk->by_kind[0] == arc->blocks[0] && walk->by_kind[1] == arc->blocks[1]), "%llu recent blocks",
            (unsigned long long)walk->by_kind[0]);
    REQUIRE(!arc || (arc->target <= pool->usable && !arc->ties), "target");
    return true;
}

/* The copy of `node` that is named `lane`, or KV_NONE. */
static uint32_t copy_in_lane(const struct walk *walk, uint32_t node, uint32_t lane)
{
    uint32_t c = walk->cells[node].node.first_copy;
    while (c != KV_NONE && walk->cells[c].copy.lane != lane) {
        c = walk->cells[c].copy.next;
    }
    return c;
}

/* Counts a holder's ranges: ends by node, references by copy. */
static bool count_ranges(struct walk *walk, const struct kv_holder *holder, uint32_t *ends, uint32_t *refs)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < holder->n_ranges; i++) {
        const struct kv_range *range = kv_holder_range(holder, i);
        REQUIRE(is_live(walk, range->end), "range %u", i);
        REQUIRE(range->lo == depth, "range %u", i);
        REQUIRE(i == 0 || kv_holder_range(holder, i - 1)->lane != range->lane, "range %u should be joined", i);
        depth = walk->cells[range->end].node.depth + walk->cells[range->end].node.n;
        ends[range->end]++;
        uint32_t node = range->end;
        for (;; node = walk->cells[node].node.parent) {
            REQUIRE(is_live(walk, node) && walk->cells[node].node.depth >= range->lo, "range %u", i);
            const uint32_t copy = copy_in_lane(walk, node, range->lane);
            REQUIRE(copy != KV_NONE, "range %u", i);
            refs[copy]++;
            if (walk->cells[node].node.depth == range->lo) {
                break;
            }
        }
        const uint32_t above = i ? kv_holder_range(holder, i - 1)->end : PREFIX_ROOT;
        REQUIRE(walk->cells[node].node.parent == above, "range %u does not follow the one before", i);
    }
    REQUIRE(depth == holder->hashed_blocks, "holder with %u hashed blocks", holder->hashed_blocks);
    return true;
}

static bool check_holders(struct walk *walk, const struct kv_holder *const *holders, size_t n_holders)
{
    uint32_t *ends = memset(walk->children, 0, walk->n_cells * sizeof *ends);
    uint32_t *refs = memset(walk->xors, 0, walk->n_cells * sizeof *refs);
    uint64_t anonymous = walk->pool->reserved;
    for (size_t i = 0; i < n_holders; i++) {
        if (!count_ranges(walk, holders[i], ends, refs)) {
            return false;
        }
        anonymous += holders[i]->anonymous_blocks;
    }
    REQUIRE(anonymous == walk->pool->anonymous, "holders have %llu anonymous blocks", (unsigned long long)anonymous);
    for (uint32_t i = 1; i < walk->n_cells; i++) {
        REQUIRE(!is_live(walk, i) || walk->cells[i].node.ends == ends[i], "node %u", i);
        REQUIRE(!(walk->uses[i] & CELL_COPY) || walk->cells[i].copy.ref == refs[i], "copy %u", i);
    }
    return true;
}

/* `holders` NULL: they are not known. */
static bool check(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders,
                  struct kv_fault *fault)
{
    const size_t n = pool->queue.store.n_cells;
    struct walk walk = {.pool = pool,
                        .cells = pool->queue.store.cells,
                        .runs = pool->queue.store.runs,
                        .n_cells = (uint32_t)n,
                        .uses = mem_zalloc(n * sizeof *walk.uses),
                        .place = mem_zalloc(n * sizeof *walk.place),
                        .children = mem_zalloc(n * sizeof *walk.children),
                        .xors = mem_zalloc(n * sizeof *walk.xors),
                        .fault = fault};
    const bool healthy = check_spare(&walk) && check_queue(&walk) && check_tree(&walk) && check_nodes(&walk) &&
                         check_totals(&walk) && (!holders || check_holders(&walk, holders, n_holders));
    mem_free(walk.uses);
    mem_free(walk.place);
    mem_free(walk.children);
    mem_free(walk.xors);
    return healthy;
}

bool kv_pool_is_healthy(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders,
                        struct kv_fault *fault)
{
    static const struct kv_holder *const none[1];
    return check(pool, holders ? holders : none, n_holders, fault);
}

static void abort_unless(bool healthy, const struct kv_fault *fault)
{
    if (!healthy) {
        fprintf(stderr, "kv pool: %s\n", fault->text);
        abort();
    }
}

void kv_pool_check(const struct kv_pool *pool)
{
    struct kv_fault fault;
    abort_unless(check(pool, NULL, 0, &fault), &fault);
}

void kv_pool_check_holders(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders)
{
    struct kv_fault fault;
    abort_unless(kv_pool_is_healthy(pool, holders, n_holders, &fault), &fault);
}

uint32_t kv_blocks_of_all(const struct kv_pool *pool, const struct kv_holder *const *holders, size_t n_holders)
{
    const struct prefix_index *index = &pool->index;
    uint8_t *is_counted = mem_zalloc(pool->queue.store.n_cells); /* copies */
    uint32_t blocks = 0;
    for (size_t i = 0; i < n_holders; i++) {
        blocks += holders[i]->anonymous_blocks;
        for (uint32_t k = 0; k < holders[i]->n_ranges; k++) {
            const struct kv_range *range = kv_holder_range(holders[i], k);
            const struct prefix_node *node;
            uint32_t at = range->end;
            do {
                node = &pool->queue.store.cells[at].node;
                const uint32_t copy = prefix_index_copy(index, at, range->lane);
                blocks += is_counted[copy] ? 0 : node->n;
                is_counted[copy] = 1;
                at = node->parent;
            } while (node->depth != range->lo);
        }
    }
    mem_free(is_counted);
    return blocks;
}
