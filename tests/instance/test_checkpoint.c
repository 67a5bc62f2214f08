/* Runs that are cut, saved and loaded go on as if nothing had happened; files that make no sense are refused, or at
 * least do no harm. */
#include "support/support.h"

#include "base/mem.h"
#include "base/store.h"
#include "instance/checkpoint.h"
#include "instance/scenario.h"
#include "kv/pool.h"
#include "support/packed_store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTION_VERSION = 1 };

static const char section[] = "instance";

struct place {
    char folder[64];
    char path[80];
    struct diag diag;
};

static void place_init(struct place *place)
{
    strcpy(place->folder, "/tmp/asim-checkpoint-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/state", place->folder);
    diag_init(&place->diag);
}

static void place_fini(struct place *place)
{
    unlink(place->path);
    assert_int_equal(rmdir(place->folder), 0);
    diag_fini(&place->diag);
}

static bool lend(void *user, uint32_t slot, uint32_t number, struct turn_arrival *turn)
{
    const struct scenario *scenario = user;
    if (slot >= scenario->n_arrivals || scenario->arrivals[slot].turn != number) {
        return false;
    }
    *turn = scenario->arrivals[slot];
    return true;
}

static void save(const struct instance *instance, struct place *place)
{
    struct store_writer *writer = store_create(place->path, &place->diag);
    assert_non_null(writer);
    store_begin(writer, section, SECTION_VERSION);
    instance_save(instance, writer);
    store_end(writer);
    assert_int_equal(store_commit(writer, &place->diag), ASIM_OK);
}

/* Whether the file was accepted. */
static bool load(struct instance *instance, struct place *place, struct scenario *scenario)
{
    struct store_reader *reader = store_open(place->path, &place->diag);
    if (!reader) {
        return false;
    }
    store_enter(reader, section, SECTION_VERSION);
    const bool loaded = instance_load(instance, reader, lend, scenario);
    store_leave(reader);
    return store_close(reader) == ASIM_OK && loaded;
}

struct run {
    struct scenario *scenario;
    struct step_time *step_time;
    struct engine_config config;
    struct place place;
    struct turn_end *ends;
    uint32_t n_ends;
    uint64_t snapshots; /* mixed */
    simtime effects;    /* summed */
    struct instance_counters counters;
    struct series gaps;
    struct gaps_seen seen;
    uint32_t cuts;
};

static void advance(struct run *run, struct instance *instance, simtime until)
{
    while (instance_advance(instance, (struct event_key){.time = until, .phase = PHASE_ROUTING})) {
        uint32_t n;
        const struct turn_end *ends = instance_take_ends(instance, &n);
        memcpy(run->ends + run->n_ends, ends, n * sizeof *ends);
        run->n_ends += n;
    }
    const simtime effect = instance_earliest_effect(instance);
    run->effects += effect == SIMTIME_NEVER ? 0 : effect;
    if (until % run->config.telemetry_period == 0) {
        const struct load_snapshot seen = instance_snapshot(instance, until);
        run->snapshots =
            run->snapshots * 1000003 + seen.running + 7 * seen.waiting + 11 * seen.used_blocks + seen.received;
    }
}

static struct instance *cut(struct run *run, struct instance *instance)
{
    save(instance, &run->place);
    instance_destroy(instance);
    struct instance *fresh = instance_create(SCENARIO_INSTANCE, &run->config, run->step_time, NULL);
    if (!load(fresh, &run->place, run->scenario)) {
        fail_msg("refused");
    }
    instance_check(fresh);
    instance_note_gaps(fresh, &run->gaps, run->scenario->gaps_from);
    run->cuts++;
    return fresh;
}

/* To the end, in pieces of a telemetry period; one piece in `every` ends with a cut (0: none). */
static void run_to_end(struct run *run, struct scenario *scenario, struct step_time *step_time,
                       enum engine_stepping stepping, uint32_t every)
{
    *run = (struct run){.scenario = scenario, .step_time = step_time, .config = scenario->config};
    run->config.stepping = stepping;
    run->ends = mem_zalloc(scenario->n_arrivals * sizeof *run->ends);
    place_init(&run->place);
    struct instance *instance = instance_create(SCENARIO_INSTANCE, &run->config, step_time, NULL);
    series_init(&run->gaps, 0);
    instance_note_gaps(instance, &run->gaps, scenario->gaps_from);
    const simtime piece = run->config.telemetry_period;
    uint32_t delivered = 0;
    for (simtime now = 0, pieces = 0; run->n_ends < scenario->n_arrivals;) {
        const simtime boundary = (now / piece + 1) * piece;
        const simtime arrival = delivered < scenario->n_arrivals ? scenario->arrivals[delivered].time : SIMTIME_NEVER;
        now = arrival < boundary ? arrival : boundary;
        advance(run, instance, now);
        while (delivered < scenario->n_arrivals && scenario->arrivals[delivered].time == now) {
            instance_deliver(instance, &scenario->arrivals[delivered++]);
        }
        if (every && pieces++ % every == 0) {
            instance = cut(run, instance);
        }
    }
    run->counters = *instance_counters(instance);
    run->seen = gaps_seen(&run->gaps);
    series_fini(&run->gaps);
    assert_int_equal(instance_turns_inside(instance), 0);
    assert_int_equal(kv_free(instance_pool(instance)), kv_usable(instance_pool(instance)));
    instance_destroy(instance);
    place_fini(&run->place);
}

static bool same_end(const struct turn_end *left, const struct turn_end *right)
{
    const struct turn_record *a = &left->record;
    const struct turn_record *b = &right->record;
    return left->slot == right->slot && a->program == b->program && a->turn == b->turn && a->instance == b->instance &&
           a->ready == b->ready && a->arrived == b->arrived && a->first_scheduled == b->first_scheduled &&
           a->first_token == b->first_token && a->last_token == b->last_token && a->requeue_wait == b->requeue_wait &&
           a->prompt_toks == b->prompt_toks && a->output_toks == b->output_toks && a->hit_toks == b->hit_toks &&
           a->preemptions == b->preemptions && a->recomputed_toks == b->recomputed_toks &&
           a->length_limited == b->length_limited;
}

static bool same_counters(const struct instance_counters *a, const struct instance_counters *b)
{
    return a->steps == b->steps && a->fast_forwarded == b->fast_forwarded && a->jumps == b->jumps &&
           a->plain_steps == b->plain_steps && a->preemptions == b->preemptions &&
           a->scheduled_tokens == b->scheduled_tokens && a->peak_used_blocks == b->peak_used_blocks &&
           memcmp(a->part, b->part, sizeof a->part) == 0;
}

static void assert_same(const struct run *whole, const struct run *cut, uint64_t seed)
{
    if (whole->n_ends != cut->n_ends || whole->snapshots != cut->snapshots || whole->effects != cut->effects ||
        !same_counters(&whole->counters, &cut->counters) || !same_gaps(&whole->seen, &cut->seen)) {
        fail_msg("seed %llu: counters, snapshots or bounds differ", (unsigned long long)seed);
    }
    for (uint32_t i = 0; i < whole->n_ends; i++) {
        if (!same_end(&whole->ends[i], &cut->ends[i])) {
            fail_msg("seed %llu: turn end %u differs", (unsigned long long)seed, i);
        }
    }
}

static void a_cut_run_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    struct step_time *step_time = scenario_step_time();
    uint64_t cuts = 0;
    uint64_t preemptions = 0;
    for (uint64_t seed = 0; seed < 16; seed++) {
        struct scenario scenario;
        scenario_init(&scenario, seed);
        for (enum engine_stepping stepping = ENGINE_PLAIN; stepping <= ENGINE_FAST_FORWARD; stepping++) {
            struct run whole;
            struct run cut;
            run_to_end(&whole, &scenario, step_time, stepping, 0);
            run_to_end(&cut, &scenario, step_time, stepping, 1 + (uint32_t)(seed % 5));
            assert_same(&whole, &cut, seed);
            cuts += cut.cuts;
            preemptions += cut.counters.preemptions;
            mem_free(whole.ends);
            mem_free(cut.ends);
        }
        scenario_fini(&scenario);
    }
    step_time_destroy(step_time);
    print_message("%llu cuts, %llu preemptions\n", (unsigned long long)cuts, (unsigned long long)preemptions);
    assert_true(cuts > 500 && preemptions > 0);
}

/* Loads `content` into a fresh instance, and lets it run on for a while if it is accepted. */
static bool try_content(struct run *run, const unsigned char *content, size_t n, simtime until)
{
    size_t size;
    unsigned char *bytes = packed_store(content, n, &size);
    struct diag diag;
    diag_init(&diag);
    struct instance *instance = instance_create(SCENARIO_INSTANCE, &run->config, run->step_time, NULL);
    struct store_reader *reader = store_open_stream(bytes_as_file(bytes, size), "state", &diag);
    bool accepted = false;
    if (reader) {
        store_enter(reader, section, SECTION_VERSION);
        accepted = instance_load(instance, reader, lend, run->scenario);
        store_leave(reader);
        accepted = store_close(reader) == ASIM_OK && accepted;
    }
    for (int i = 0; accepted && i < 40; i++) {
        uint32_t ends;
        instance_advance(instance, (struct event_key){.time = until, .phase = PHASE_ROUTING});
        instance_take_ends(instance, &ends);
    }
    instance_destroy(instance);
    diag_fini(&diag);
    mem_free(bytes);
    return accepted;
}

static void a_file_that_makes_no_sense_does_no_harm(void **state)
{
    (void)state;
    enum { TRIALS = 300 };
    struct step_time *step_time = scenario_step_time();
    uint32_t accepted = 0;
    uint32_t refused = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct scenario scenario;
        scenario_init(&scenario, seed);
        struct run run = {.scenario = &scenario, .step_time = step_time, .config = scenario.config};
        run.config.stepping = ENGINE_FAST_FORWARD;
        place_init(&run.place);
        struct instance *instance = instance_create(SCENARIO_INSTANCE, &run.config, step_time, NULL);
        const uint32_t half = scenario.n_arrivals / 2;
        const simtime now = scenario.arrivals[half].time;
        for (uint32_t i = 0; i < half + 2 && i < scenario.n_arrivals; i++) {
            instance_deliver(instance, &scenario.arrivals[i]);
        }
        for (uint32_t n; instance_advance(instance, (struct event_key){.time = now, .phase = PHASE_ROUTING});) {
            instance_take_ends(instance, &n);
        }
        save(instance, &run.place);
        instance_destroy(instance);
        size_t n;
        unsigned char *content = unpacked_store(run.place.path, &n);
        assert_true(try_content(&run, content, n, now + SIMTIME_S));
        srand((unsigned)seed);
        for (int trial = 0; trial < TRIALS; trial++) {
            const size_t at = (size_t)rand() % n;
            const unsigned char was = content[at];
            content[at] ^= (unsigned char)(1 + rand() % 255);
            *(try_content(&run, content, n, now + SIMTIME_S) ? &accepted : &refused) += 1;
            content[at] = was;
        }
        mem_free(content);
        place_fini(&run.place);
        scenario_fini(&scenario);
    }
    step_time_destroy(step_time);
    print_message("%u accepted, %u refused\n", accepted, refused);
    assert_true(refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_run_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(a_file_that_makes_no_sense_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
