/* The walk over the invariants sees damage: each case spoils one field of a healthy pool and expects an abort. */
#include "support/support.h"

#include "kv/pool_internal.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nodes: 1 the shared prefix; two continuations. Turn a is running, turn b is idle, ten blocks are anonymous. */
struct scene {
    struct kv_pool *pool;
    struct kv_holder holder;
    uint32_t node; /* where turn a ends */
    uint32_t idle; /* where turn b ended */
};

static void turn(struct kv_pool *pool, struct kv_holder *holder, uint64_t stream)
{
    const struct extent extents[] = {{1, 0, 64}, {stream, 0, 70}};
    const struct content content = {extents, 2, 134};
    const struct kv_hit hit = kv_lookup(pool, content, 134);
    kv_touch(pool, holder, content, hit);
    kv_alloc(pool, holder, 9 - hit.blocks);
    kv_hash(pool, holder, content, 8);
}

static struct scene set_up(void)
{
    struct scene scene = {.pool = kv_pool_create(24, 16, true)};
    turn(scene.pool, &scene.holder, 3);
    scene.idle = kv_holder_range(&scene.holder, 0)->end;
    kv_release(scene.pool, &scene.holder);
    turn(scene.pool, &scene.holder, 2);
    scene.node = scene.holder.last.end;
    return scene;
}

static struct prefix_node *node_of(struct scene *scene)
{
    return prefix_index_node(&scene->pool->index, scene->node);
}

static struct kv_run *copy_of(struct scene *scene, uint32_t node)
{
    return free_queue_run(&scene->pool->queue, prefix_index_node(&scene->pool->index, node)->first_copy);
}

static void nothing(struct scene *scene)
{
    (void)scene;
}
static void free_blocks(struct scene *scene)
{
    scene->pool->free++;
}
static void cached_blocks(struct scene *scene)
{
    scene->pool->cached_free--;
}
static void anonymous_blocks(struct scene *scene)
{
    scene->pool->anonymous++;
}
static void reserved_blocks(struct scene *scene)
{
    scene->pool->reserved = 20;
}
static void queue_tail(struct scene *scene)
{
    scene->pool->queue.tail = scene->pool->queue.head;
}
static void queue_back_link(struct scene *scene)
{
    copy_of(scene, scene->idle)->prev = KV_NONE;
}
static void held_copy(struct scene *scene)
{
    copy_of(scene, scene->node)->ref = 0;
}
static void idle_copy(struct scene *scene)
{
    copy_of(scene, scene->idle)->ref = 1;
}
static void copy_owner(struct scene *scene)
{
    copy_of(scene, scene->node)->node = scene->idle;
}
static void foreign_copy(struct scene *scene)
{
    copy_of(scene, scene->node)->next_copy = scene->idle;
}
static void no_copy(struct scene *scene)
{
    node_of(scene)->first_copy = KV_NONE;
}
static void node_length(struct scene *scene)
{
    node_of(scene)->n++;
}
static void node_depth(struct scene *scene)
{
    node_of(scene)->depth++;
}
static void node_key(struct scene *scene)
{
    node_of(scene)->key.first += 16;
}
static void node_children(struct scene *scene)
{
    node_of(scene)->n_children++;
}
static void node_only_child(struct scene *scene)
{
    node_of(scene)->child_xor ^= 1;
}
static void live_nodes(struct scene *scene)
{
    scene->pool->index.n_live++;
}
static void lanes(struct scene *scene)
{
    copy_of(scene, prefix_index_node(&scene->pool->index, scene->idle)->parent)->lane++;
    scene->holder.last.lane++;
}
static void ends(struct scene *scene)
{
    node_of(scene)->ends++;
}
static void references(struct scene *scene)
{
    copy_of(scene, scene->node)->ref++;
}
static void range_start(struct scene *scene)
{
    scene->holder.last.lo = 1;
}
static void hashed(struct scene *scene)
{
    scene->holder.hashed_blocks--;
}
static void unnamed(struct scene *scene)
{
    scene->holder.anonymous_blocks++;
}
static void unmerged(struct scene *scene)
{
    prefix_index_node(&scene->pool->index, prefix_index_split(&scene->pool->index, scene->node, 2))->ends = 0;
}
static void closure(struct scene *scene)
{
    const uint32_t parent = prefix_index_node(&scene->pool->index, scene->idle)->parent;
    const uint32_t copy = prefix_index_node(&scene->pool->index, parent)->first_copy;
    free_queue_run(&scene->pool->queue, copy)->ref = 0;
    free_queue_insert_after(&scene->pool->queue, KV_NONE, copy);
    scene->pool->free += prefix_index_node(&scene->pool->index, parent)->n;
    scene->pool->cached_free += prefix_index_node(&scene->pool->index, parent)->n;
}

static const struct {
    const char *name;
    void (*spoil)(struct scene *scene);
} damages[] = {
#define DAMAGE(function)                                                                                               \
    {                                                                                                                  \
#function, function                                                                                            \
    }
    DAMAGE(free_blocks),     DAMAGE(cached_blocks), DAMAGE(anonymous_blocks),
    DAMAGE(reserved_blocks), DAMAGE(queue_tail),    DAMAGE(queue_back_link),
    DAMAGE(held_copy),       DAMAGE(idle_copy),     DAMAGE(copy_owner),
    DAMAGE(foreign_copy),    DAMAGE(no_copy),       DAMAGE(node_length),
    DAMAGE(node_depth),      DAMAGE(node_key),      DAMAGE(node_children),
    DAMAGE(node_only_child), DAMAGE(live_nodes),    DAMAGE(ends),
    DAMAGE(lanes),           DAMAGE(references),    DAMAGE(range_start),
    DAMAGE(hashed),          DAMAGE(unnamed),       DAMAGE(unmerged),
    DAMAGE(closure),
#undef DAMAGE
};

/* Runs the check in a child process; the signal that ended it, 0 for none. */
static int signal_of(void (*spoil)(struct scene *scene))
{
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        assert_non_null(freopen("/dev/null", "w", stderr));
        struct scene scene = set_up();
        spoil(&scene);
        const struct kv_holder *holders[] = {&scene.holder};
        kv_pool_check_holders(scene.pool, holders, 1);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void healthy_pools_pass(void **state)
{
    (void)state;
    assert_int_equal(signal_of(nothing), 0);
}

static void damage_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        if (signal_of(damages[i].spoil) != SIGABRT) {
            fail_msg("%s was not seen", damages[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_pools_pass),
        cmocka_unit_test(damage_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
