#include "instance/decision_log.h"

#include "base/mem.h"

void engine_open_log(struct instance *instance)
{
    if (instance->config->logs_decisions) {
        instance->log = mem_zalloc(sizeof *instance->log);
    }
}

void engine_close_log(struct instance *instance)
{
    if (instance->log) {
        decision_list_fini(&instance->log->sent);
        decision_list_fini(&instance->log->inside);
        mem_free(instance->log);
    }
}

void instance_log_route(struct instance *instance, const struct turn_arrival *arrival, uint32_t home)
{
    if (instance->log) {
        decision_list_add(&instance->log->sent, &(struct decision){.time = arrival->ready,
                                                                   .program = arrival->program,
                                                                   .turn = arrival->turn,
                                                                   .instance = instance->id,
                                                                   .kind = DECISION_ROUTE,
                                                                   .toks = arrival->prompt_toks,
                                                                   .other = home,
                                                                   .until = SIMTIME_NEVER});
    }
}

void instance_append_decisions(const struct instance *instance, struct decision_list *list)
{
    if (instance->log) {
        decision_list_append(list, &instance->log->sent);
        decision_list_append(list, &instance->log->inside);
    }
}

/* With the instance as it is. */
static void keep(struct instance *instance, struct decision decision)
{
    decision.instance = instance->id;
    decision.free_blocks = kv_free(instance->pool);
    decision.retained_blocks = instance->residency->retained_blocks;
    decision.running = instance->decode.n + instance->n_prefilling;
    decision.waiting = instance->waiting.n;
    decision_list_add(&instance->log->inside, &decision);
}

void engine_log_turn(struct instance *instance, enum decision_kind kind, const struct sequence *sequence, simtime now)
{
    if (instance->log) {
        keep(instance, (struct decision){.time = now,
                                         .program = sequence->program,
                                         .turn = sequence->turn,
                                         .kind = kind,
                                         .toks = sequence->prompt_toks,
                                         .until = SIMTIME_NEVER});
    }
}

void engine_log_retention(struct instance *instance, const struct asim_retention *retention,
                          const struct sequence *sequence, simtime now)
{
    static const enum decision_kind kinds[] = {[ASIM_KEEP] = DECISION_KEEP,
                                               [ASIM_HOLD] = DECISION_HOLD,
                                               [ASIM_PIN] = DECISION_PIN,
                                               [ASIM_OFFLOAD] = DECISION_OFFLOAD,
                                               [ASIM_DROP] = DECISION_DROP};
    const bool timed = retention->action == ASIM_PIN || retention->action == ASIM_OFFLOAD;
    if (instance->log) {
        keep(instance, (struct decision){.time = now,
                                         .program = sequence->program,
                                         .turn = sequence->turn,
                                         .kind = kinds[retention->action],
                                         .toks = (uint32_t)sequence->base,
                                         .other = residency_guest(instance->residency, sequence)->facts.tool_after,
                                         .until = timed ? retention->until : SIMTIME_NEVER,
                                         .score = retention->score});
    }
}

void engine_log_resident(struct instance *instance, enum decision_kind kind, const struct resident *resident,
                         uint32_t needed, simtime until, simtime now)
{
    if (instance->log) {
        keep(instance, (struct decision){.time = now,
                                         .program = resident->program,
                                         .turn = resident->turn,
                                         .kind = kind,
                                         .toks = resident->context_toks,
                                         .other = needed,
                                         .until = until});
    }
}
