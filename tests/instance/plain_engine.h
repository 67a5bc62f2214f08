/* The oracle of src/instance: vLLM V1's scheduler as it is written there, over a block-by-block pool.
 *
 * One array of requests, one running list, one waiting list, one loop over both for every step; a queue of one or two
 * batches; every block has a number and a hash over its tokens. Nothing is shared with the code it checks except the
 * step times. It also notes which rules a run made use of, so that random tests can prove that they reach them.
 */
#ifndef ASIM_TESTS_INSTANCE_PLAIN_ENGINE_H
#define ASIM_TESTS_INSTANCE_PLAIN_ENGINE_H

#include "instance/instance.h"
#include "metrics/series.h"

/* What happened in a run. */
enum plain_event {
    PLAIN_SEVERAL_CHUNKS,     /* prompts of several turns in one step */
    PLAIN_SEVERAL_PARTIAL,    /* two or more prompts partly computed at once (threshold) */
    PLAIN_CHUNK_OF_BUDGET,    /* a prompt cut by the budget */
    PLAIN_STALLED_BY_BUDGET,  /* a running turn not reached because the budget was used up */
    PLAIN_PREEMPTED_DECODING, /* victims by state */
    PLAIN_PREEMPTED_PREFILLING,
    PLAIN_PREEMPTED_DRAINING,
    PLAIN_PREEMPTED_ITSELF,
    PLAIN_RESUMED_WITH_HIT,           /* a preempted turn found blocks of its own again */
    PLAIN_RESUMED_BEYOND_PROMPT,      /* generated tokens computed again or found */
    PLAIN_HEAD_LACKS_BLOCKS,          /* admission refused */
    PLAIN_HEAD_LACKS_FULL_PROMPT,     /* refused although the first chunk had room */
    PLAIN_HEAD_BELOW_WATERMARK,       /* refused although without watermark it had room */
    PLAIN_HEAD_EXCEEDS_BUDGET,        /* refused because prompts are not cut (chunked prefill off) */
    PLAIN_SEQUENCES_AT_LIMIT,         /* somebody waits because max_num_seqs run */
    PLAIN_FIRST_HIT,                  /* cached blocks at first admission */
    PLAIN_HIT_OF_HELD_BLOCKS,         /* of those, blocks that another turn holds */
    PLAIN_HIT_BEYOND_PROMPT_OF_OTHER, /* blocks that hold output of another turn */
    PLAIN_ALL_BUT_LAST_BLOCK_HIT,     /* prompt of whole blocks, of which only the last is computed */
    PLAIN_CACHING_OFF,                /* a turn admitted without prefix caching */
    PLAIN_HOST_DELAYS_DEVICE,         /* the host prepares longer than the device runs (queue of two) */
    PLAIN_UNGRAPHED,
    PLAIN_DEPTH_ONE,
    PLAIN_DEPTH_TWO,
    PLAIN_LENGTH_LIMITED,
    PLAIN_PREFILL_ONLY,
    PLAIN_ONE_TOKEN_OUTPUT,
    PLAIN_SEVERAL_FINISH_AT_ONCE,
    PLAIN_EVENTS,
};

const char *plain_event_name(enum plain_event event);

struct plain_run {
    struct turn_end *ends; /* in the order they ended */
    uint32_t n_ends;
    uint64_t steps;
    uint64_t preemptions;
    uint64_t scheduled_tokens;
    uint64_t evicted;
    uint32_t peak_used_blocks;
    struct series gaps; /* between two tokens of a turn */
    simtime busy;       /* sum of all step times, with the host time that the device waits for */
    struct plain_state {
        simtime time;
        struct load_snapshot load;
    } * states; /* after every step end */
    size_t n_states;
    uint64_t seen[PLAIN_EVENTS];
};

/* Serves `arrivals` (in order of time) to the last completion, as instance `id`. Gaps between tokens are counted where
 * they begin at `gaps_from` or later. */
void plain_engine_run(const struct engine_config *config, uint32_t id, struct step_time *step_time,
                      const struct turn_arrival *arrivals, uint32_t n_arrivals, simtime gaps_from,
                      struct plain_run *out);
void plain_run_fini(struct plain_run *run);

/* The load after the last step end at or before `instant`. */
struct load_snapshot plain_run_load(const struct plain_run *run, simtime instant);

#endif
