#include "instance/residency/show.h"

#include "base/mem.h"
#include "instance/tiers/transfers.h"

/* ---- what a policy is shown ---- */

static bool is_oracle(const struct seat *seat)
{
    return seat->use->policy->flags & ASIM_POLICY_ORACLE;
}

static simtime served(const struct guest *guest, simtime now)
{
    return guest->served + (guest->running_since == SIMTIME_NEVER ? 0 : now - guest->running_since);
}

struct asim_turn show_turn(const struct call *call, const struct sequence *sequence)
{
    const struct instance *instance = call->instance;
    const struct guest *guest = residency_guest(instance->residency, sequence);
    const struct turn_facts *facts = &guest->facts;
    const struct resident *resident = residency_find(instance->residency, sequence->program);
    const bool oracle = is_oracle(call->seat);
    const bool decodes = sequence->state == SEQUENCE_DECODING || sequence->state == SEQUENCE_DRAINING;
    const uint32_t computed = sequence->state == SEQUENCE_WAITING ? 0 : engine_computed(instance, sequence);
    /* What was generated before a preemption is computed again like a prompt. */
    const uint32_t known = decodes ? computed + 1 : sequence->n_tokens;
    const uint32_t generated = known - sequence->prompt_toks;
    return (struct asim_turn){
        .program = sequence->program,
        .turn = sequence->turn,
        .tool = facts->tool_before,
        .prompt_toks = sequence->prompt_toks,
        .output_toks = generated < sequence->limit ? generated : sequence->limit,
        .cached_toks = computed,
        .preemptions = sequence->preemptions,
        .is_last = facts->is_last && !instance->config->pins_until_needed,
        .is_preempted = sequence->state == SEQUENCE_WAITING && sequence->was_admitted,
        .is_retained = resident != NULL,
        .is_pinned = resident && resident->is_pin,
        .program_arrival = facts->program_arrival,
        .ready = sequence->ready,
        .arrived = sequence->arrived,
        .first_scheduled = sequence->was_admitted ? sequence->first_scheduled : ASIM_NEVER,
        .attained = facts->attained,
        .critical = facts->critical,
        .served = served(guest, call->now),
        .tenant = facts->tenant,
        .deadline = facts->deadline,
        .hint_pin = facts->hint_pin,
        .hint_resume = facts->hint_resume,
        .true_gap = oracle ? facts->gap_after : -1,
        .remaining_toks = oracle ? facts->remaining_toks - generated : -1,
    };
}

struct asim_resident show_resident(const struct call *call, const struct resident *resident)
{
    return (struct asim_resident){
        .program = resident->program,
        .turn = resident->turn,
        .tool = resident->tool,
        .context_toks = resident->context_toks,
        .blocks = resident->blocks,
        .private_blocks = resident->private_blocks,
        .has_returned = resident->has_returned,
        .is_offloading = resident->is_offloading,
        .program_arrival = resident->program_arrival,
        .since = resident->since,
        .pinned_until = resident->is_pin ? resident->until : 0,
        .score = resident->score,
        .true_return = is_oracle(call->seat) ? resident->returns : -1,
    };
}

/* ---- what a policy may ask ---- */

static asim_time host_prefill_time(void *handle, uint32_t context_toks, uint32_t cached_toks)
{
    const struct call *call = handle;
    const struct engine_config *config = call->instance->config;
    simtime time = 0;
    while (cached_toks < context_toks) {
        const uint32_t left = context_toks - cached_toks;
        const uint32_t tokens = left < config->max_num_batched_tokens ? left : config->max_num_batched_tokens;
        const struct prefill_chunk chunk = {.tokens = tokens, .context = cached_toks, .sampled = tokens == left};
        time +=
            step_time_batch(call->instance->step_time, &(struct batch_shape){.n_chunks = 1, .chunks = &chunk}).total;
        time += host_time_exposed(&config->host, tokens);
        cached_toks += tokens;
    }
    return time;
}

static asim_time host_load_time(void *handle, uint32_t tier, uint32_t toks)
{
    const struct call *call = handle;
    const struct instance *instance = call->instance;
    if (!instance->node || tier >= instance->node->plan->n_tiers) {
        return ASIM_NEVER;
    }
    return tier_load_time(instance->node->plan, tier, engine_blocks_of(instance, toks));
}

static void host_resident(void *handle, uint32_t index, struct asim_resident *out)
{
    const struct call *call = handle;
    const struct residency *residency = call->instance->residency;
    *out =
        index < residency->n_residents ? show_resident(call, residency->residents[index]) : (struct asim_resident){0};
}

/* Lists have no numbers: they are written down when a function first asks. */
static void write_down(struct residency *residency, const struct sequence_list *list)
{
    residency->n_shown = 0;
    for (const struct sequence *sequence = list->head; sequence; sequence = sequence->next) {
        if (sequence->state != SEQUENCE_DRAINING) {
            residency->shown = mem_grow(residency->shown, &residency->shown_capacity, residency->n_shown + 1,
                                        sizeof *residency->shown);
            residency->shown[residency->n_shown++] = sequence;
        }
    }
}

const struct sequence *show_at_index(const struct instance *instance, const struct sequence_list *list, uint32_t index)
{
    struct residency *residency = instance->residency;
    if (residency->shown_list != list) {
        write_down(residency, list);
        residency->shown_list = list;
    }
    return index < residency->n_shown ? residency->shown[index] : NULL;
}

static void show_at(const struct call *call, const struct sequence_list *list, uint32_t index, struct asim_turn *out)
{
    const struct sequence *sequence = show_at_index(call->instance, list, index);
    *out = sequence ? show_turn(call, sequence) : (struct asim_turn){0};
}

static void host_waiting(void *handle, uint32_t index, struct asim_turn *out)
{
    const struct call *call = handle;
    show_at(call, &call->instance->waiting, index, out);
}

static void host_running(void *handle, uint32_t index, struct asim_turn *out)
{
    const struct call *call = handle;
    show_at(call, &call->instance->running, index, out);
}

static void wish(void *handle, struct wish wish)
{
    const struct call *call = handle;
    struct residency *residency = call->instance->residency;
    residency->wishes =
        mem_grow(residency->wishes, &residency->wish_capacity, residency->n_wishes + 1, sizeof *residency->wishes);
    residency->wishes[residency->n_wishes++] = wish;
}

static void host_pin(void *handle, uint64_t program, asim_time until)
{
    wish(handle, (struct wish){.kind = WISH_PIN, .program = program, .until = until});
}

static void host_release(void *handle, uint64_t program)
{
    wish(handle, (struct wish){.kind = WISH_RELEASE, .program = program});
}

static void host_offload(void *handle, uint64_t program, uint32_t tier)
{
    (void)tier; /* what is stored goes down through all tiers */
    wish(handle, (struct wish){.kind = WISH_OFFLOAD, .program = program});
}

static void host_prefetch(void *handle, uint64_t program)
{
    wish(handle, (struct wish){.kind = WISH_PREFETCH, .program = program});
}

static const struct asim_host host = {
    .struct_size = sizeof host,
    .prefill_time = host_prefill_time,
    .load_time = host_load_time,
    .resident = host_resident,
    .waiting = host_waiting,
    .running = host_running,
    .pin = host_pin,
    .release = host_release,
    .offload = host_offload,
    .prefetch = host_prefetch,
};

struct asim_context show_context(struct call *call)
{
    struct instance *instance = call->instance;
    struct residency *residency = instance->residency;
    residency->shown_list = NULL;
    return (struct asim_context){
        .state = call->seat->state,
        .parameters = call->seat->use->parameters,
        .host = &host,
        .handle = call,
        .now = call->now,
        .instance = instance->id,
        .block_size = instance->config->block_size,
        .usable_blocks = instance->usable_blocks,
        .free_blocks = kv_free(instance->pool),
        .retained_blocks = residency->retained_blocks,
        .n_running = instance->decode.n + instance->n_prefilling, /* those that drain are over */
        .n_waiting = instance->waiting.n,
        .n_residents = (uint32_t)residency->n_residents,
        .running_toks = instance->decode.context,
        .n_tiers = instance->node ? instance->node->plan->n_tiers : 0,
    };
}
