#include "cli/table.h"

#include "cli/grid.h"
#include "cli/human.h"
#include "cli/lines.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

enum { SUMMARY_VERSION_READ = 1 };

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* ", 3 dropped" for counts that are not zero; the parts stand one behind the other in `out`. */
static void add_nonzero(char *out, size_t bytes, const json_t *object, const char *key, const char *name)
{
    const int64_t n = count_of(object, key);
    if (n) {
        char text[HUMAN_BYTES];
        const size_t used = strlen(out);
        snprintf(out + used, bytes - used, ", %s %s", human_count(n, text), name);
    }
}

static void print_simulated(FILE *out, const json_t *root)
{
    const json_t *simulated = json_object_get(root, "simulated");
    const json_t *programs = json_object_get(root, "programs");
    const json_t *turns = json_object_get(root, "turns");
    const int64_t instances = count_of(simulated, "instances");
    const int64_t gpus = count_of(simulated, "tensor_parallel_size");
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES];
    line(out, "workload", "%s; arrivals: %s; seed %lld", text_of(simulated, "workload"), text_of(simulated, "arrivals"),
         (long long)count_of(simulated, "seed"));
    line(out, "model", "%s on %s; step times: %s", text_of(simulated, "model"), text_of(simulated, "hardware"),
         text_of(simulated, "compute"));
    line(out, "cluster", "%s %s of %s GPU%s; engine: %s semantics", human_count(instances, a),
         plural(instances, "instance", "instances"), human_count(gpus, b), plural(gpus, "", "s"),
         text_of(simulated, "engine"));
    line(out, "policies", "retention: %s; scheduling: %s; routing: %s%s", text_of(simulated, "retention"),
         text_of(simulated, "scheduling"), text_of(simulated, "routing"),
         json_is_true(json_object_get(simulated, "oracle")) ? "; an oracle sees the future" : "");
    if (json_is_string(json_object_get(simulated, "assumptions"))) {
        line(out, "assumptions", "%s", text_of(simulated, "assumptions"));
    }
    if (json_is_number(json_object_get(root, "stopped_at_s"))) {
        line(out, "stopped", "at %s of simulated time", human_duration(real_of(root, "stopped_at_s"), a));
    }
    char more[200] = "";
    add_nonzero(more, sizeof more, programs, "dropped", "dropped");
    add_nonzero(more, sizeof more, programs, "truncated", "with a prompt cut short");
    add_nonzero(more, sizeof more, programs, "interrupted", "interrupted");
    add_nonzero(more, sizeof more, programs, "warmup", "in the warm-up");
    line(out, "programs", "%s of %s completed in %s of simulated time%s",
         human_count(count_of(programs, "completed"), a), human_count(count_of(programs, "total"), b),
         human_duration(real_of(root, "sim_time_s"), c), more);
    more[0] = '\0';
    add_nonzero(more, sizeof more, turns, "length_limited", "ended by the context limit");
    add_nonzero(more, sizeof more, turns, "interrupted", "interrupted");
    add_nonzero(more, sizeof more, turns, "warmup", "in the warm-up");
    line(out, "turns", "%s completed in %s steps%s", human_count(count_of(turns, "completed"), a),
         human_count(count_of(root, "steps"), b), more);
}

static void add_quantities(struct grid *grid, const char *label, const json_t *quantities)
{
    static const char *const keys[] = {"mean", "p50", "p90", "p95", "p99", "max"};
    grid_add(grid, label);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[HUMAN_BYTES];
        const json_t *value = json_object_get(quantities, keys[i]);
        grid_add(grid, json_is_number(value) ? human_duration(json_number_value(value), text) : "-");
    }
}

static void print_quantities(FILE *out, const json_t *root)
{
    static const char *const headings[] = {"latency", "mean", "p50", "p90", "p95", "p99", "max"};
    static const struct {
        const char *label, *set, *key;
    } rows[] = {{"TTFT", "turns", "ttft_s"},
                {"TPOT", "turns", "tpot_s"},
                {"ITL", "turns", "itl_s"},
                {"turn E2E", "turns", "e2e_s"},
                {"turn queueing", "turns", "queue_s"},
                {"program JCT", "programs", "jct_s"},
                {"program tools", "programs", "tool_s"}};
    struct grid grid;
    const size_t n = sizeof headings / sizeof headings[0];
    grid_init(&grid, n);
    for (size_t i = 0; i < n; i++) {
        grid_add(&grid, headings[i]);
        grid.right_aligned[i] = i > 0;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        add_quantities(&grid, rows[i].label, json_object_get(json_object_get(root, rows[i].set), rows[i].key));
    }
    fputc('\n', out);
    grid_print(out, &grid, 0, HUMAN_COLUMNS);
    grid_fini(&grid);
    if (strcmp(text_of(root, "percentiles"), "exact") != 0) {
        fputs("percentiles come from histograms, to within 0.1%\n", out);
    }
    fputc('\n', out);
}

/* How far evictions were from the best ones. */
static void print_belady(FILE *out, const json_t *belady)
{
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES], d[HUMAN_BYTES];
    char ratio[64] = "";
    if (json_is_number(json_object_get(belady, "ratio"))) {
        snprintf(ratio, sizeof ratio, "%.3gx the misses of the best evictions: ", real_of(belady, "ratio"));
    }
    line(out, "Belady", "%s%s of %s blocks looked up in HBM; at best %s, of which %s were never there before", ratio,
         human_count(count_of(belady, "misses"), a), human_count(count_of(belady, "accesses"), b),
         human_count(count_of(belady, "optimal_misses"), c), human_count(count_of(belady, "compulsory_misses"), d));
}

static void print_cache(FILE *out, const json_t *root)
{
    const json_t *tokens = json_object_get(root, "tokens");
    const json_t *kv = json_object_get(root, "kv");
    const json_t *router = json_object_get(root, "router");
    const json_t *hit_rate = json_object_get(kv, "hit_rate");
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES], d[HUMAN_BYTES], e[HUMAN_BYTES], f[HUMAN_BYTES];
    const bool known = json_is_number(hit_rate);
    const int64_t prompt = count_of(tokens, "prompt");
    const int64_t hit = count_of(tokens, "prefix_hit");
    const int64_t preemptions = count_of(kv, "preemptions");
    char more[64] = "";
    add_nonzero(more, sizeof more, tokens, "recomputed", "recomputed");
    line(out, "tokens", "%s of prompts: %s from the prefix cache%s%s%s, %s computed; %s generated%s",
         human_count(prompt, a), human_count(hit, b), known ? " (" : "",
         known ? human_percent(json_number_value(hit_rate), c) : "", known ? ")" : "", human_count(prompt - hit, d),
         human_count(count_of(tokens, "generated"), e), more);
    if (json_is_number(json_object_get(kv, "eligible_hit_rate"))) {
        line(out, "reuse", "%s of the %s tokens of earlier context found again; %s lost, %s never there before",
             human_percent(real_of(kv, "eligible_hit_rate"), a), human_count(count_of(tokens, "eligible"), b),
             human_count(count_of(json_object_get(tokens, "by_source"), "lost"), c),
             human_count(count_of(json_object_get(tokens, "by_source"), "cold"), d));
    }
    line(out, "KV cache", "%s blocks of %s tokens per instance; peak use %s; %s evicted; %s %s",
         human_count(count_of(kv, "blocks_per_instance"), a), human_count(count_of(kv, "block_size"), b),
         human_percent(real_of(kv, "peak_use"), d), human_count(count_of(kv, "evicted_blocks"), e),
         human_count(preemptions, f), plural(preemptions, "preemption", "preemptions"));
    if (json_object_get(kv, "belady")) {
        print_belady(out, json_object_get(kv, "belady"));
    }
    char orders[64] = "";
    add_nonzero(orders, sizeof orders, router, "held", "held back");
    add_nonzero(orders, sizeof orders, router, "moved", "moved");
    line(out, "router", "%s turns to their program's instance, %s to another, %s first turns%s",
         human_count(count_of(router, "affinity_hits"), a), human_count(count_of(router, "breaks"), b),
         human_count(count_of(router, "cold"), c), orders);
    const json_t *moved = json_object_get(router, "moved_kv");
    if (moved) {
        line(out, "moved KV", "%s went along with moved turns; %s had no room",
             human_size((double)count_of(moved, "sent_bytes"), a),
             human_size((double)count_of(moved, "refused_bytes"), b));
    }
}

static void add_part(char *out, size_t bytes, int64_t n, const char *name)
{
    char text[HUMAN_BYTES];
    const size_t used = strlen(out);
    if (n) {
        snprintf(out + used, bytes - used, "%s%s %s", used ? ", " : "", human_count(n, text), name);
    }
}

/* What policies decided; no line for planes that decided nothing. */
static void print_decisions(FILE *out, const json_t *decisions)
{
    const json_t *retention = json_object_get(decisions, "retention");
    const json_t *pins = json_object_get(decisions, "pins");
    const json_t *holds = json_object_get(decisions, "holds");
    const json_t *shares = json_object_get(decisions, "kv_time");
    char kinds[200] = "";
    char fates[300] = "";
    add_part(kinds, sizeof kinds, count_of(retention, "kept"), "left to LRU");
    add_part(kinds, sizeof kinds, count_of(retention, "held"), "held");
    add_part(kinds, sizeof kinds, count_of(retention, "pinned"), "pinned");
    add_part(kinds, sizeof kinds, count_of(retention, "offloaded"), "offloaded");
    add_part(kinds, sizeof kinds, count_of(retention, "dropped"), "dropped");
    add_part(fates, sizeof fates, count_of(pins, "returned"), "pins paid off");
    add_part(fates, sizeof fates, count_of(pins, "expired"), "expired");
    add_part(fates, sizeof fates, count_of(pins, "forced"), "forced");
    add_part(fates, sizeof fates, count_of(pins, "released"), "released");
    add_part(fates, sizeof fates, count_of(holds, "returned"), "holds paid off");
    add_part(fates, sizeof fates, count_of(holds, "evicted"), "evicted");
    if (*kinds) {
        line(out, "retention", "%s%s%s", kinds, *fates ? "; " : "", fates);
    }
    char waits[100] = "";
    add_part(waits, sizeof waits, count_of(decisions, "refused"), "admissions refused");
    add_part(waits, sizeof waits, count_of(decisions, "displaced"), "running turns displaced");
    if (*waits) {
        line(out, "scheduling", "%s", waits);
    }
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES], d[HUMAN_BYTES];
    if (json_is_number(json_object_get(shares, "active"))) {
        line(out, "KV time", "%s by turns, %s between turns (%s in vain), %s free",
             human_percent(real_of(shares, "active"), a), human_percent(real_of(shares, "retained"), b),
             human_percent(real_of(shares, "wasted"), c), human_percent(real_of(shares, "free"), d));
    }
}

static void print_tiers(FILE *out, const json_t *tiers)
{
    static const struct {
        const char *key, *label;
    } causes[] = {{"out", "out of HBM"}, {"down", "down"}, {"in", "in"}, {"ahead", "ahead"}, {"up", "up"}};
    const json_t *transfers = json_object_get(tiers, "transfers");
    char text[300] = "";
    char a[HUMAN_BYTES];
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        const json_t *moved = json_object_get(transfers, causes[i].key);
        const size_t used = strlen(text);
        if (count_of(moved, "transfers")) {
            snprintf(text + used, sizeof text - used, "%s%s %s", used ? ", " : "",
                     human_size((double)count_of(moved, "bytes"), a), causes[i].label);
        }
    }
    add_part(text, sizeof text, count_of(tiers, "stores_refused"), "stores refused");
    const char *name;
    const json_t *link;
    const char *before = *text ? "; busy: " : "busy: ";
    json_object_foreach((json_t *)json_object_get(tiers, "links"), name, link)
    {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %s", before, name, human_percent(real_of(link, "busy"), a));
        before = ", ";
    }
    line(out, "tiers", "%s", text);
}

/* ", a% of turns within TTFT 1.00 s", for levels that were asked for. */
static void print_slo(FILE *out, const json_t *slo)
{
    char text[300] = "";
    char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES];
    const bool ttft = json_is_number(json_object_get(slo, "ttft_s"));
    const bool tpot = json_is_number(json_object_get(slo, "tpot_s"));
    if ((ttft || tpot) && json_is_number(json_object_get(slo, "turns_share"))) {
        snprintf(
            text, sizeof text, "%s of turns within%s%s%s%s%s, %.3g/s", human_percent(real_of(slo, "turns_share"), a),
            ttft ? " TTFT " : "", ttft ? human_duration(real_of(slo, "ttft_s"), b) : "", ttft && tpot ? " and" : "",
            tpot ? " TPOT " : "", tpot ? human_duration(real_of(slo, "tpot_s"), c) : "", real_of(slo, "turns_per_s"));
    }
    size_t used = strlen(text);
    if (json_is_number(json_object_get(slo, "jct_s")) && json_is_number(json_object_get(slo, "programs_share"))) {
        snprintf(text + used, sizeof text - used, "%s%s of programs within JCT %s, %.3g/s", used ? "; " : "",
                 human_percent(real_of(slo, "programs_share"), a), human_duration(real_of(slo, "jct_s"), b),
                 real_of(slo, "programs_per_s"));
    }
    used = strlen(text);
    if (count_of(slo, "deadlines")) {
        snprintf(text + used, sizeof text - used, "%s%s of %s deadlines met", used ? "; " : "",
                 human_count(count_of(slo, "deadlines_met"), a), human_count(count_of(slo, "deadlines"), b));
    }
    line(out, "SLO", "%s", *text ? text : "nothing to judge");
}

static void print_time(FILE *out, const json_t *root)
{
    static const struct {
        const char *key, *label;
    } bounds[] = {
        {"compute_s", "compute"}, {"hbm_s", "HBM"}, {"link_s", "links"}, {"host_s", "host"}, {"idle_s", "idle"}};
    const json_t *time = json_object_get(root, "time");
    double total = 0;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        total += real_of(time, bounds[i].key);
    }
    char text[512] = "";
    char a[HUMAN_BYTES];
    for (size_t i = 0; total > 0 && i < sizeof bounds / sizeof bounds[0]; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %s", i ? ", " : "", bounds[i].label,
                 human_percent(real_of(time, bounds[i].key) / total, a));
    }
    const int64_t instances = count_of(json_object_get(root, "simulated"), "instances");
    char b[HUMAN_BYTES];
    line(out, "time", "%s of %s (%s %s)", *text ? text : "none", human_duration(total, a), human_count(instances, b),
         plural(instances, "instance", "instances"));
}

static void print_execution(FILE *out, const json_t *root, const char *execution)
{
    json_t *facts = execution ? json_loads(execution, 0, NULL) : NULL;
    const double wall = real_of(facts, "wall_s");
    if (wall > 0) {
        char a[HUMAN_BYTES], b[HUMAN_BYTES], c[HUMAN_BYTES];
        line(out, "wall time", "%s (%s simulated seconds and %s steps per second)", human_duration(wall, a),
             human_magnitude(real_of(root, "sim_time_s") / wall, b),
             human_magnitude((double)count_of(root, "steps") / wall, c));
    }
    json_decref(facts);
}

int table_print(FILE *out, const char *summary, const char *execution)
{
    json_t *root = json_loads(summary, 0, NULL);
    if (strcmp(text_of(root, "schema"), "asim.summary") != 0 || count_of(root, "version") != SUMMARY_VERSION_READ) {
        json_decref(root);
        return -1;
    }
    if (json_is_true(json_object_get(root, "interrupted"))) {
        const struct human_style style = human_style(out);
        fprintf(out, "%sINTERRUPTED: results are partial%s\n", style.bold, style.plain);
    }
    print_simulated(out, root);
    print_quantities(out, root);
    print_cache(out, root);
    if (json_object_get(root, "decisions")) {
        print_decisions(out, json_object_get(root, "decisions"));
    }
    if (json_object_get(root, "tiers")) {
        print_tiers(out, json_object_get(root, "tiers"));
    }
    if (json_object_get(root, "slo")) {
        print_slo(out, json_object_get(root, "slo"));
    }
    print_time(out, root);
    line(out, "digest", "%s", text_of(root, "digest"));
    print_execution(out, root, execution);
    json_decref(root);
    return 0;
}
