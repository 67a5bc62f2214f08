#include "metrics/summary_members.h"

#include <stdio.h>

static void set_byte_time(json_t *object, const char *key, const struct summary_input *in, unsigned __int128 block_ps)
{
    set_real(object, key, (double)block_ps * (double)in->kv_block_bytes / (double)SIMTIME_S);
}

/* Shares of the time of all blocks of all instances until the last completion. */
static json_t *occupancy(const struct summary_input *in)
{
    const struct summary_decisions *d = in->decisions;
    const double blocks = (double)(in->kv_blocks_per_instance - 1) * (double)in->instances;
    const double all = blocks * (double)in->recorder.end;
    const double active = (double)d->active_block_ps;
    const double retained = (double)d->retained_block_ps;
    json_t *object = json_object();
    set_share(object, "active", active, all);
    set_share(object, "retained", retained, all);
    set_share(object, "wasted", (double)d->wasted_block_ps, all);
    set_share(object, "recompute", (double)d->recompute_block_ps, all);
    set_share(object, "stalled", (double)d->stalled_block_ps, all);
    set_share(object, "unproductive", (double)(d->retained_block_ps + d->recompute_block_ps + d->stalled_block_ps),
              all);
    set_share(object, "free", all > active + retained ? all - active - retained : 0.0, all);
    return object;
}

json_t *summary_decisions_json(const struct summary_input *in)
{
    const struct summary_decisions *d = in->decisions;
    json_t *retention = json_object();
    set_count(retention, "kept", d->kept);
    set_count(retention, "held", d->held);
    set_count(retention, "pinned", d->pinned);
    set_count(retention, "offloaded", d->offloaded);
    set_count(retention, "dropped", d->dropped);
    json_t *pins = json_object();
    set_count(pins, "returned", d->pins_returned);
    set_count(pins, "expired", d->pins_expired);
    set_count(pins, "forced", d->pins_forced);
    set_count(pins, "released", d->pins_released);
    json_t *holds = json_object();
    set_count(holds, "returned", d->holds_returned);
    set_count(holds, "evicted", d->holds_evicted);
    json_t *object = json_object();
    set(object, "retention", retention);
    set(object, "pins", pins);
    set(object, "holds", holds);
    set_count(object, "refused", d->refused);
    set_count(object, "displaced", d->displaced);
    set_byte_time(object, "active_byte_s", in, d->active_block_ps);
    set_byte_time(object, "retained_byte_s", in, d->retained_block_ps);
    set_byte_time(object, "wasted_byte_s", in, d->wasted_block_ps);
    set_byte_time(object, "recompute_byte_s", in, d->recompute_block_ps);
    set_byte_time(object, "stalled_byte_s", in, d->stalled_block_ps);
    set(object, "kv_time", occupancy(in));
    return object;
}

static json_t *links(const struct summary_tiers *tiers)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < 2 + 2 * tiers->n_tiers; i++) {
        if (!tiers->links[i].capacity_ps) {
            continue;
        }
        char name[64];
        if (i < 2) {
            snprintf(name, sizeof name, "%s", i ? "host_to_gpu" : "gpu_to_host");
        } else {
            const bool duplex = tiers->links[i | 1].capacity_ps != 0;
            snprintf(name, sizeof name, "%s%s", tiers->names[i / 2 - 1], !duplex ? "" : i % 2 ? "_read" : "_write");
        }
        json_t *link = json_object();
        set_count(link, "bytes", tiers->links[i].bytes);
        set_share(link, "busy", (double)tiers->links[i].busy_ps, (double)tiers->links[i].capacity_ps);
        set(object, name, link);
    }
    return object;
}

json_t *summary_tiers_json(const struct summary_input *in)
{
    static const char *const causes[SUMMARY_MOVES] = {"out", "down", "in", "ahead", "up"};
    const struct summary_tiers *tiers = in->tiers;
    json_t *transfers = json_object();
    for (int i = 0; i < SUMMARY_MOVES; i++) {
        json_t *moved = json_object();
        set_count(moved, "transfers", tiers->moved[i].transfers);
        set_count(moved, "bytes", tiers->moved[i].blocks * in->kv_block_bytes);
        set(transfers, causes[i], moved);
    }
    json_t *loaded = json_object();
    for (uint32_t tier = 0; tier < tiers->n_tiers; tier++) {
        set_count(loaded, tiers->names[tier], tiers->loaded_blocks[tier] * in->kv_block_bytes);
    }
    json_t *object = json_object();
    set(object, "transfers", transfers);
    set(object, "loaded_bytes", loaded);
    set_count(object, "stores_refused", tiers->stores_refused);
    set(object, "links", links(tiers));
    return object;
}
