#include "instance/tiers/hooks.h"

#include <assert.h>

bool engine_run_steady(struct instance *instance, struct draft *draft, uint32_t *budget)
{
    const struct engine_config *config = instance->config;
    struct decode_set *decode = &instance->decode;
    if (config->stepping == ENGINE_PLAIN || decode->n_shared ||
        (instance->n_prefilling && config->long_prefill_token_threshold)) {
        return false;
    }
    /* Without a threshold a partly computed prompt took all of a step's budget, so nothing was admitted behind it: it
     * is one, and the last of the list. */
    struct sequence *partial = instance->n_prefilling ? instance->running.tail : NULL;
    assert(!partial || (instance->n_prefilling == 1 && partial->state == SEQUENCE_PREFILLING));
    assert(decode->n <= *budget);
    const uint32_t crossings = decode_set_crossings(decode, 0);
    uint32_t tokens = 0;
    uint32_t chunk_blocks = 0;
    if (partial) {
        const uint32_t computed = (uint32_t)partial->base;
        tokens = engine_chunk_tokens(instance, partial->n_tokens - computed, *budget - decode->n);
        chunk_blocks = engine_blocks_of(instance, computed + tokens) -
                       (partial->holder.hashed_blocks + partial->holder.anonymous_blocks);
    }
    if (crossings + chunk_blocks > kv_free(instance->pool)) {
        return false;
    }
    if (crossings) {
        kv_reserve(instance->pool, crossings);
    }
    *budget -= decode->n + tokens;
    draft->n_decode = decode->n;
    decode_set_tick(decode, 1);
    draft->decode_context = decode->context;
    if (instance->node) {
        engine_fill_decoded(instance, draft->batch);
    }
    engine_drain_finished(instance, draft->batch);
    if (tokens) {
        kv_alloc(instance->pool, &partial->holder, chunk_blocks);
        engine_add_chunk(instance, draft, partial, tokens);
        instance->head_blocked = false;
    }
    return true;
}
