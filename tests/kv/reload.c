#include "kv/reload.h"

#include "support/support.h"

#include "kv/pool_internal.h"
#include "kv/pool_store.h"

#include <stdlib.h>
#include <unistd.h>

static void save(const struct kv_pool *pool, struct kv_holder *const *holders, size_t n_holders, const char *path,
                 struct diag *diag)
{
    struct store_writer *writer = store_create(path, diag);
    assert_non_null(writer);
    store_begin(writer, "pool", 1);
    kv_pool_save(pool, writer);
    for (size_t i = 0; i < n_holders; i++) {
        kv_holder_save(holders[i], writer);
    }
    store_end(writer);
    assert_int_equal(store_commit(writer, diag), ASIM_OK);
}

struct kv_pool *reload_pool(const struct kv_pool *pool, struct kv_holder *const *holders, size_t n_holders,
                            char *message, size_t message_bytes)
{
    struct diag diag;
    diag_init(&diag);
    char in_memory[] = "/dev/shm/asim-pool-XXXXXX"; /* a commit waits for the disk */
    char on_disk[] = "/tmp/asim-pool-XXXXXX";
    char *path = access("/dev/shm", W_OK) == 0 ? in_memory : on_disk;
    close(mkstemp(path));
    save(pool, holders, n_holders, path, &diag);
    struct kv_pool *loaded = kv_pool_create(pool->usable + 1, pool->block_size, pool->prefix_caching);
    if (pool->arc) {
        kv_pool_use_arc(loaded);
    }
    struct store_reader *reader = store_open(path, &diag);
    assert_true(reader && store_enter(reader, "pool", 1));
    bool good = kv_pool_load(loaded, reader);
    for (size_t i = 0; i < n_holders; i++) {
        kv_holder_fini(holders[i]);
        good = good && kv_holder_load(holders[i], reader);
    }
    good = good && kv_pool_accept(loaded, (const struct kv_holder *const *)holders, n_holders, reader) &&
           store_leave(reader);
    assert_true(good == (store_close(reader) == ASIM_OK));
    if (!good) {
        assert_int_equal(diag.n_entries, 1);
        snprintf(message, message_bytes, "%s", diag.entries[0].text);
        kv_pool_destroy(loaded);
        loaded = NULL;
    }
    unlink(path);
    diag_fini(&diag);
    return loaded;
}
