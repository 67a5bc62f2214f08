#include "kv/plain_arc.h"

#include "support/support.h"

#include <string.h>

void plain_arc_init(struct plain_arc *arc, uint32_t capacity, uint32_t block_size)
{
    memset(arc, 0, sizeof *arc);
    arc->capacity = arc->empty = capacity;
    arc->block_size = block_size;
}

/* ---- names ---- */

static uint32_t names_of(const struct plain_arc *arc, struct content content, uint32_t blocks, struct block_key *keys)
{
    struct block_cursor cursor = block_cursor_begin(content, arc->block_size);
    assert_true(blocks <= PLAIN_ARC_DEEPEST);
    for (uint32_t i = 0; i < blocks; i++) {
        keys[i] = block_cursor_next(&cursor, 1).key;
    }
    return blocks;
}

static int32_t child_of(const struct plain_arc *arc, int32_t parent, struct block_key key)
{
    for (int32_t i = 0; i < PLAIN_ARC_MOST; i++) {
        const struct plain_arc_block *block = &arc->blocks[i];
        if (block->cached && block->parent == parent && block_key_equal(block->key, key)) {
            return i;
        }
    }
    return -1;
}

static bool has_children(const struct plain_arc *arc, int32_t parent)
{
    for (int32_t i = 0; i < PLAIN_ARC_MOST; i++) {
        if (arc->blocks[i].cached && arc->blocks[i].parent == parent) {
            return true;
        }
    }
    return false;
}

/* ---- lists ---- */

static void append(struct plain_arc_list *list, int32_t item)
{
    assert_true(list->n < PLAIN_ARC_MOST);
    list->items[list->n++] = item;
}

static void remove_item(struct plain_arc_list *list, int32_t item)
{
    uint32_t at = 0;
    while (list->items[at] != item) {
        at++;
        assert_true(at < list->n);
    }
    list->n--;
    memmove(&list->items[at], &list->items[at + 1], (list->n - at) * sizeof list->items[0]);
}

static bool forget(struct plain_arc_ghosts *ghosts, struct block_key key, uint32_t depth)
{
    for (uint32_t i = 0; i < ghosts->n; i++) {
        if (ghosts->items[i].depth == depth && block_key_equal(ghosts->items[i].key, key)) {
            ghosts->n--;
            memmove(&ghosts->items[i], &ghosts->items[i + 1], (ghosts->n - i) * sizeof ghosts->items[0]);
            return true;
        }
    }
    return false;
}

static bool knows(const struct plain_arc_ghosts *ghosts, struct block_key key, uint32_t depth)
{
    for (uint32_t i = 0; i < ghosts->n; i++) {
        if (ghosts->items[i].depth == depth && block_key_equal(ghosts->items[i].key, key)) {
            return true;
        }
    }
    return false;
}

/* Wherever it was. */
static void remember(struct plain_arc *arc, struct block_key key, uint32_t depth, int list)
{
    for (int i = 0; i < 3; i++) {
        forget(&arc->ghosts[i], key, depth);
    }
    arc->ghosts[list].items[arc->ghosts[list].n++] = (struct plain_arc_ghost){key, depth};
}

/* ---- counts ---- */

uint32_t plain_arc_cached(const struct plain_arc *arc, bool frequent)
{
    uint32_t n = 0;
    for (int32_t i = 0; i < PLAIN_ARC_MOST; i++) {
        n += arc->blocks[i].cached && arc->blocks[i].frequent == frequent;
    }
    return n;
}

uint32_t plain_arc_free(const struct plain_arc *arc)
{
    return arc->empty + arc->idle[0].n + arc->idle[1].n;
}

uint32_t plain_arc_find(const struct plain_arc *arc, struct content content, uint32_t blocks, uint32_t *idle)
{
    struct block_key keys[PLAIN_ARC_DEEPEST];
    names_of(arc, content, blocks, keys);
    int32_t at = -1;
    *idle = 0;
    for (uint32_t i = 0; i < blocks; i++) {
        at = child_of(arc, at, keys[i]);
        if (at < 0) {
            return i;
        }
        *idle += arc->blocks[at].ref == 0;
    }
    return blocks;
}

/* ---- operations ---- */

static void hold(struct plain_arc *arc, struct plain_arc_holder *holder, int32_t block)
{
    if (arc->blocks[block].ref++ == 0) {
        remove_item(&arc->idle[arc->blocks[block].frequent], block);
    }
    holder->blocks[holder->n++] = block;
}

void plain_arc_touch(struct plain_arc *arc, struct plain_arc_holder *holder, struct content content, uint32_t blocks)
{
    struct block_key keys[PLAIN_ARC_DEEPEST];
    names_of(arc, content, blocks, keys);
    for (uint32_t i = 0; i < blocks; i++) {
        hold(arc, holder, child_of(arc, i ? holder->blocks[i - 1] : -1, keys[i]));
    }
}

void plain_arc_use(struct plain_arc *arc, const struct plain_arc_holder *holder)
{
    for (uint32_t i = 0; i < holder->n; i++) {
        arc->blocks[holder->blocks[i]].frequent = true;
    }
}

void plain_arc_expect(struct plain_arc *arc, struct content content, uint32_t from, uint32_t to)
{
    struct block_key keys[PLAIN_ARC_DEEPEST];
    names_of(arc, content, to, keys);
    for (uint32_t i = from; i < to; i++) {
        const uint32_t recent = arc->ghosts[0].n;
        const uint32_t frequent = arc->ghosts[1].n;
        if (knows(&arc->ghosts[0], keys[i], i)) {
            arc->target += recent >= frequent ? 1 : frequent / recent;
            arc->target = arc->target < arc->capacity ? arc->target : arc->capacity;
            remember(arc, keys[i], i, 2);
        } else if (knows(&arc->ghosts[1], keys[i], i)) {
            const uint32_t by = frequent >= recent ? 1 : recent / frequent;
            arc->target -= by < arc->target ? by : arc->target;
            arc->ties++;
            remember(arc, keys[i], i, 2);
        }
    }
}

static int32_t oldest_leaf(const struct plain_arc *arc, bool frequent)
{
    for (uint32_t i = 0; i < arc->idle[frequent].n; i++) {
        if (!has_children(arc, arc->idle[frequent].items[i])) {
            return arc->idle[frequent].items[i];
        }
    }
    return -1;
}

static void replace(struct plain_arc *arc)
{
    const uint32_t recent = plain_arc_cached(arc, false);
    const bool takes_recent = recent > arc->target || (recent && recent == arc->target && arc->ties);
    int32_t victim = oldest_leaf(arc, !takes_recent);
    victim = victim < 0 ? oldest_leaf(arc, takes_recent) : victim;
    assert_true(victim >= 0);
    struct plain_arc_block *block = &arc->blocks[victim];
    remove_item(&arc->idle[block->frequent], victim);
    remember(arc, block->key, block->depth, block->frequent);
    block->cached = false;
    arc->ties -= arc->ties > 0;
    arc->empty++;
}

void plain_arc_alloc(struct plain_arc *arc, struct plain_arc_holder *holder, uint32_t n)
{
    while (arc->empty < n) {
        replace(arc);
    }
    arc->empty -= n;
    arc->ties = 0;
    holder->anonymous += n;
}

static void trim(struct plain_arc *arc)
{
    const uint32_t recent = plain_arc_cached(arc, false);
    const uint32_t frequent = plain_arc_cached(arc, true);
    struct plain_arc_ghosts *ghosts = arc->ghosts;
    while (ghosts[0].n && recent + ghosts[0].n > arc->capacity) {
        forget(&ghosts[0], ghosts[0].items[0].key, ghosts[0].items[0].depth);
    }
    while (ghosts[1].n && recent + frequent + ghosts[0].n + ghosts[1].n > 2 * arc->capacity) {
        forget(&ghosts[1], ghosts[1].items[0].key, ghosts[1].items[0].depth);
    }
}

static int32_t new_block(struct plain_arc *arc)
{
    int32_t i = 0;
    while (arc->blocks[i].cached) {
        i++;
        assert_true(i < PLAIN_ARC_MOST);
    }
    return i;
}

void plain_arc_hash(struct plain_arc *arc, struct plain_arc_holder *holder, struct content content, uint32_t blocks)
{
    struct block_key keys[PLAIN_ARC_DEEPEST];
    names_of(arc, content, blocks, keys);
    while (holder->n < blocks) {
        const uint32_t depth = holder->n;
        const int32_t parent = depth ? holder->blocks[depth - 1] : -1;
        const int32_t there = child_of(arc, parent, keys[depth]);
        holder->anonymous--;
        if (there >= 0) {
            hold(arc, holder, there);
            arc->empty++;
            continue;
        }
        bool frequent = false;
        for (int i = 0; i < 3; i++) {
            frequent |= forget(&arc->ghosts[i], keys[depth], depth);
        }
        const int32_t id = new_block(arc);
        arc->blocks[id] = (struct plain_arc_block){
            .key = keys[depth], .depth = depth, .parent = parent, .ref = 1, .cached = true, .frequent = frequent};
        holder->blocks[holder->n++] = id;
        trim(arc);
    }
}

void plain_arc_release(struct plain_arc *arc, struct plain_arc_holder *holder)
{
    while (holder->n) {
        const int32_t block = holder->blocks[--holder->n];
        if (--arc->blocks[block].ref == 0) {
            append(&arc->idle[arc->blocks[block].frequent], block);
        }
    }
    arc->empty += holder->anonymous;
    holder->anonymous = 0;
}
