#include "instance/checkpoint_parts.h"
#include "instance/tiers/transfers.h"

/* Lengths that no later sum or look-up leaves. */
static bool has_sound_lengths(const struct instance *instance, const struct sequence *sequence)
{
    const uint32_t most = instance->config->max_model_len;
    return sequence->prompt_toks >= 1 && sequence->prompt_toks <= most &&
           sequence->limit <= most - sequence->prompt_toks &&
           sequence->content.n_tokens >= sequence->prompt_toks + sequence->limit &&
           sequence->n_tokens >= sequence->prompt_toks && sequence->hit_toks < sequence->prompt_toks &&
           sequence->n_tokens <= sequence_last_computed(sequence) + sequence->last_in_flight &&
           (uint64_t)sequence->kv_blocks * instance->config->block_size < sequence->prompt_toks;
}

static bool has_sound_times(const struct sequence *sequence)
{
    return saved_time(sequence->ready) && saved_time(sequence->arrived) && sequence->lead >= 0 &&
           saved_time(sequence->waiting_since) && saved_time(sequence->first_scheduled) &&
           saved_time_or_never(sequence->first_token) && saved_time(sequence->requeue_wait) &&
           saved_time(sequence->token_before) && sequence->first_token >= sequence->first_scheduled &&
           (sequence->was_admitted ? sequence->first_scheduled >= sequence->arrived
                                   : sequence->first_token == SIMTIME_NEVER);
}

/* A running sequence's progress, and that it holds no more than that takes. */
static bool has_sound_progress(const struct instance *instance, const struct sequence *sequence)
{
    const int64_t clock = sequence->state == SEQUENCE_DECODING ? instance->decode.clock : 0;
    const int64_t last = sequence_last_computed(sequence);
    if (sequence->base < -clock || sequence->base > last - clock) {
        return false;
    }
    const int64_t computed = sequence->base + clock;
    const struct kv_holder *holder = &sequence->holder;
    const uint64_t owned = (uint64_t)holder->hashed_blocks + holder->anonymous_blocks;
    if (owned > engine_blocks_of(instance, (uint32_t)computed) ||
        (uint64_t)holder->hashed_blocks * instance->config->block_size > (uint64_t)computed) {
        return false;
    }
    switch (sequence->state) {
    case SEQUENCE_PREFILLING:
        return computed > 0 && computed < sequence->n_tokens && owned == engine_blocks_of(instance, (uint32_t)computed);
    case SEQUENCE_DECODING:
        return computed >= sequence->prompt_toks && computed < last;
    default:
        return sequence->state == SEQUENCE_DRAINING && computed == last;
    }
}

/* What a turn holds that does not run: what was loaded for it from a tier, or is on its way. */
static bool has_sound_load(const struct instance *instance, const struct sequence_list *list,
                           const struct sequence *sequence)
{
    const uint64_t blocks = (uint64_t)sequence->holder.hashed_blocks + sequence->holder.anonymous_blocks;
    const bool may_load = instance->node && list == &instance->waiting && !sequence->last_in_flight;
    return blocks ? may_load && blocks * instance->config->block_size < sequence->n_tokens
                  : sequence->holder.n_ranges == 0;
}

static bool is_sound(const struct instance *instance, const struct sequence_list *list, const struct sequence *sequence)
{
    if (!has_sound_lengths(instance, sequence) || !has_sound_times(sequence) ||
        (sequence->was_admitted ? sequence->stamp >= instance->next_stamp : list == &instance->running)) {
        return false;
    }
    if (list == &instance->running) {
        return !sequence->last_in_flight && has_sound_progress(instance, sequence) &&
               (!list->tail || list->tail->stamp < sequence->stamp);
    }
    return sequence->state == SEQUENCE_WAITING && sequence->base == 0 && has_sound_load(instance, list, sequence) &&
           (list == &instance->waiting || (!sequence->was_admitted && !sequence->last_in_flight &&
                                           (!list->tail || list->tail->arrived <= sequence->arrived)));
}

/* One whose KV is being copied elsewhere, which it holds. */
static bool is_sound_leaver(const struct instance *instance, const struct sequence *sequence)
{
    const uint64_t blocks = sequence->holder.hashed_blocks;
    return has_sound_lengths(instance, sequence) && has_sound_times(sequence) && !sequence->was_admitted &&
           !sequence->last_in_flight && sequence->state == SEQUENCE_WAITING && sequence->base == 0 && blocks &&
           !sequence->holder.anonymous_blocks && blocks * instance->config->block_size < sequence->n_tokens;
}

bool checkpoint_is_sound(const struct instance *instance, const struct sequence_list *list,
                         const struct sequence *sequence)
{
    return list ? is_sound(instance, list, sequence) : is_sound_leaver(instance, sequence);
}
