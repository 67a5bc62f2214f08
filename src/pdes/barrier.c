#include "pdes/barrier.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SPINS = 64,  /* pauses of some 20 to 40 ns: one to two microseconds */
    YIELDS = 64, /* some 20 us where nobody else wants the core */
    SLEEP_FOR_ALL = 0x7fffffff,
};

void barrier_init(struct barrier *barrier, uint32_t n, uint32_t cores)
{
    barrier->n = n;
    barrier->spins = n <= cores ? SPINS : 0;
    atomic_init(&barrier->arrived.value, 0);
    atomic_init(&barrier->arrived.sleepers, 0);
    atomic_init(&barrier->epoch.value, 0);
    atomic_init(&barrier->epoch.sleepers, 0);
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Whether the word has become what is waited for: `wanted`, or anything else than it. */
static bool reached(const struct barrier_word *word, unsigned wanted, bool equal, unsigned *now)
{
    *now = atomic_load_explicit(&word->value, memory_order_acquire);
    return (*now == wanted) == equal;
}

static void await(struct barrier_word *word, unsigned wanted, bool equal, uint32_t spins)
{
    unsigned now;
    for (uint32_t i = 0; i < spins; i++) {
        if (reached(word, wanted, equal, &now)) {
            return;
        }
        pause_briefly();
    }
    for (uint32_t i = 0; i < YIELDS; i++) {
        if (reached(word, wanted, equal, &now)) {
            return;
        }
        sched_yield();
    }
    /* Either the waker sees this sleeper, or the sleeper sees the waker's value: both sides write, then read, in the
     * one order of sequentially consistent operations. The kernel looks once more before it puts the thread to sleep.
     */
    atomic_fetch_add(&word->sleepers, 1);
    while (now = atomic_load(&word->value), (now == wanted) != equal) {
        syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
    }
    atomic_fetch_sub(&word->sleepers, 1);
}

static void wake(struct barrier_word *word)
{
    if (atomic_load(&word->sleepers)) {
        syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, SLEEP_FOR_ALL, NULL, NULL, 0);
    }
}

void barrier_release(struct barrier *barrier)
{
    if (barrier->n == 1) {
        return;
    }
    atomic_store_explicit(&barrier->arrived.value, 0, memory_order_relaxed);
    atomic_fetch_add(&barrier->epoch.value, 1);
    wake(&barrier->epoch);
}

void barrier_wait(struct barrier *barrier)
{
    if (barrier->n == 1) {
        return;
    }
    const unsigned epoch = atomic_load_explicit(&barrier->epoch.value, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived.value, 1, memory_order_acq_rel) + 1 == barrier->n) {
        barrier_release(barrier);
    } else {
        await(&barrier->epoch, epoch, false, barrier->spins);
    }
}

void barrier_follow(struct barrier *barrier)
{
    const unsigned epoch = atomic_load_explicit(&barrier->epoch.value, memory_order_relaxed);
    if (atomic_fetch_add(&barrier->arrived.value, 1) + 2 == barrier->n) {
        wake(&barrier->arrived);
    }
    await(&barrier->epoch, epoch, false, barrier->spins);
}

void barrier_gather(struct barrier *barrier)
{
    if (barrier->n > 1) {
        await(&barrier->arrived, barrier->n - 1, true, barrier->spins);
    }
}
