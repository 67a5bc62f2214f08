#include "instance/kv_view.h"

#include "instance/tiers/transfers.h"

static uint32_t at_least(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void show_turn(const struct instance *instance, const struct sequence *sequence, enum view_phase phase,
                      const struct kv_viewer *viewer)
{
    const bool runs = phase == VIEW_RUNNING;
    const uint32_t computed = runs ? engine_computed(instance, sequence) : 0;
    const uint32_t owned = sequence->holder.hashed_blocks + sequence->holder.anonymous_blocks;
    const struct view_turn turn = {.program = sequence->program,
                                   .turn = sequence->turn,
                                   .phase = phase,
                                   .content = sequence->content,
                                   .context_toks =
                                       at_least(runs ? sequence->prompt_toks : sequence->n_tokens, computed),
                                   .computed_toks = computed,
                                   .holder = &sequence->holder,
                                   .unclaimed = runs ? engine_blocks_of(instance, computed) - owned : 0};
    viewer->turn(viewer->user, &turn);
}

static void show_turns(const struct instance *instance, const struct kv_viewer *viewer)
{
    for (const struct sequence *sequence = instance->running.head; sequence; sequence = sequence->next) {
        show_turn(instance, sequence, VIEW_RUNNING, viewer);
    }
    for (const struct sequence *sequence = instance->waiting.head; sequence; sequence = sequence->next) {
        const struct guest *guest = instance->residency ? residency_guest(instance->residency, sequence) : NULL;
        const bool loads = guest && (guest->is_loading || guest->is_raising);
        show_turn(instance, sequence, loads ? VIEW_LOADING : VIEW_WAITING, viewer);
    }
    for (const struct sequence *sequence = instance->inbox.head; sequence; sequence = sequence->next) {
        show_turn(instance, sequence, VIEW_SENT, viewer);
    }
    for (uint32_t i = 0; i < instance->n_leavers; i++) {
        show_turn(instance, instance->leavers[i].sequence, VIEW_LEAVING, viewer);
    }
}

static void show_residents(const struct instance *instance, const struct kv_viewer *viewer)
{
    const struct residency *residency = instance->residency;
    for (size_t i = 0; i < residency->n_residents; i++) {
        const struct resident *resident = residency->residents[i];
        const bool lapses = residency_lapses(instance, resident) && resident->until != SIMTIME_NEVER;
        const bool waits = resident->is_pin && resident->has_returned && !instance->config->pins_until_needed;
        const struct view_resident view = {.program = resident->program,
                                           .turn = resident->turn,
                                           .holder = &resident->holder,
                                           .blocks = resident->blocks,
                                           .is_pin = resident->is_pin,
                                           .until = lapses  ? VIEW_UNTIL_TIME
                                                    : waits ? VIEW_UNTIL_ADMITTED
                                                            : VIEW_UNTIL_NEEDED,
                                           .deadline = resident->until,
                                           .back_at = resident->back_at,
                                           .policy = residency->retention->use->policy->name};
        viewer->resident(viewer->user, &view);
    }
}

static void show_transfers(const struct instance *instance, simtime now, const struct kv_viewer *viewer)
{
    const struct node *node = instance->node;
    for (size_t i = 0; node && i < node->n_transfers; i++) {
        const struct transfer *transfer = node->transfers[i];
        if (!transfer->is_live || transfer->member != instance->place) {
            continue;
        }
        const bool moves = transfer_moves(transfer);
        const struct view_transfer view = {.program = transfer->program,
                                           .kind = transfer->kind,
                                           .waits = transfer->waits,
                                           .from = transfer->from,
                                           .to = transfer->to,
                                           .blocks = moves ? transfer->moving : 0,
                                           .moved_bytes =
                                               moves ? network_flow_moved_by(node->network, now, transfer->flow) : 0,
                                           .source = &transfer->source,
                                           .target = transfer->kind == TRANSFER_LOAD ? NULL : &transfer->target,
                                           .sequence = transfer->tag};
        viewer->transfer(viewer->user, &view);
    }
}

void instance_view_kv(const struct instance *instance, simtime now, const struct kv_viewer *viewer)
{
    show_turns(instance, viewer);
    if (instance->residency) {
        show_residents(instance, viewer);
    }
    show_transfers(instance, now, viewer);
}

const struct kv_pool *instance_view_pool(const struct instance *instance, uint32_t tier)
{
    return tier == ASIM_NONE ? instance->pool : node_pool(instance->node, instance->place, tier);
}

struct kv_hit instance_view_find(const struct instance *instance, uint32_t tier, struct content content,
                                 uint32_t blocks)
{
    return kv_find(tier == ASIM_NONE ? instance->pool : node_pool(instance->node, instance->place, tier), content,
                   blocks);
}
