#include "workload/workload.h"

#include "base/mem.h"
#include "workload/columnar.h"
#include "workload/complete.h"
#include "workload/detect.h"
#include "workload/generate.h"
#include "workload/input_file.h"
#include "workload/read_session.h"
#include "workload/read_weka.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SLOTS_PER_CHUNK = 256 };

/* The programs of a trace; or a generator or a columnar file, with one buffer per slot. */
struct workload {
    struct workload_stats stats;
    char reason[DETECT_REASON_BYTES];
    struct program_set set;
    struct columnar *columnar;
    const struct generator *generator;
    struct generator_options generator_options;
    enum generated_hints hints;
    struct program_slot ***chunks; /* by slot, SLOTS_PER_CHUNK each; NULL: nothing has been fetched there */
    size_t n_chunks, chunk_capacity;
};

/* Where a program is fetched: of its own, so that programs stay where they are. */
static struct program_slot **slot_of(const struct workload *workload, uint32_t slot)
{
    assert(slot / SLOTS_PER_CHUNK < workload->n_chunks);
    return &workload->chunks[slot / SLOTS_PER_CHUNK][slot % SLOTS_PER_CHUNK];
}

/* All that reading needs. */
struct reading {
    struct workload *workload;
    struct builder builder;
    struct jdoc_parser *parser;
    struct session_reader *session;
    struct weka_reader *weka;
    enum workload_format format; /* of the first file; the others must have the same */
};

static const char *const format_names[] = {[WORKLOAD_AUTO] = "unknown",
                                           [WORKLOAD_SESSION] = "session JSONL",
                                           [WORKLOAD_WEKA] = "Weka JSON",
                                           [WORKLOAD_COLUMNAR] = "columnar"};

static void reading_init(struct reading *reading, const struct workload_options *options, struct diag *diag)
{
    assert(options->block_size > 0);
    reading->workload = mem_zalloc(sizeof *reading->workload);
    builder_init(&reading->builder, options, diag);
    reading->parser = jdoc_parser_create();
    reading->session = session_reader_create(&reading->builder, reading->parser);
    reading->weka = weka_reader_create(&reading->builder, reading->parser);
    reading->format = WORKLOAD_AUTO;
}

/* Completes the workload, or frees it and returns NULL when there were errors. */
static struct workload *reading_finish(struct reading *reading)
{
    struct workload *workload = reading->workload;
    const asim_status status = builder_complete(&reading->builder, &workload->set, &workload->stats);
    workload->stats.format = format_names[reading->format];
    workload->stats.reason = workload->reason;
    weka_reader_destroy(reading->weka);
    session_reader_destroy(reading->session);
    jdoc_parser_destroy(reading->parser);
    builder_fini(&reading->builder);
    if (status != ASIM_OK) {
        workload_destroy(workload);
        return NULL;
    }
    return workload;
}

static void read_input(struct reading *reading, const char *name, const struct input_text *input)
{
    struct builder *builder = &reading->builder;
    char *reason = reading->workload->reason;
    char found[DETECT_REASON_BYTES] = "named by the format option";
    enum workload_format format = builder->options->format;
    builder_set_file(builder, name);
    if (format == WORKLOAD_AUTO) {
        format = detect_format(reading->parser, builder->file, input->text, input->bytes, found, builder->diag);
        if (format == WORKLOAD_AUTO) {
            return;
        }
    }
    if (format == WORKLOAD_COLUMNAR) {
        diag_error(builder->diag, ASIM_INPUT, (struct diag_where){.file = builder->file},
                   "is no columnar workload, which workload_format says it is; allowed: a file that asim import wrote");
        return;
    }
    if (reading->format == WORKLOAD_AUTO) {
        reading->format = format;
        memcpy(reason, found, sizeof found);
    } else if (reading->format != format) {
        diag_error(builder->diag, ASIM_INPUT, (struct diag_where){.file = builder->file},
                   "is %s, and the files before it are %s; allowed: one format in a folder", format_names[format],
                   format_names[reading->format]);
        return;
    }
    if (format == WORKLOAD_SESSION) {
        session_read(reading->session, input->text, input->bytes);
    } else {
        weka_read(reading->weka, input->text, input->bytes);
    }
}

static void read_file(struct reading *reading, const char *path)
{
    struct input_text input;
    if (input_file_read(path, &input, reading->builder.diag) == ASIM_OK) {
        read_input(reading, path, &input);
        input_text_fini(&input);
    }
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int is_trace_file(const struct dirent *entry)
{
    static const char *const ends[] = {".json", ".jsonl", ".json.gz", ".jsonl.gz", ".json.zst", ".jsonl.zst"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (entry->d_name[0] != '.' && ends_with(entry->d_name, ends[i])) {
            return 1;
        }
    }
    return 0;
}

/* By bytes: alphasort would depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(struct reading *reading, const char *path)
{
    struct diag *diag = reading->builder.diag;
    struct dirent **entries;
    const int n = scandir(path, &entries, is_trace_file, by_name);
    if (n < 0) {
        diag_error(diag, ASIM_IO, (struct diag_where){.file = path}, "cannot be listed: %s", strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        if (!builder_is_full(&reading->builder)) {
            const size_t bytes = strlen(path) + strlen(entries[i]->d_name) + 2;
            char *file = mem_alloc(bytes);
            snprintf(file, bytes, "%s/%s", path, entries[i]->d_name);
            read_file(reading, file);
            mem_free(file);
        }
        free(entries[i]);
    }
    free(entries);
    if (n == 0) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = path},
                   "the folder has no trace; allowed: files *.json and *.jsonl, also with .gz or .zst");
    }
}

static struct workload *from_columnar(struct columnar *columnar)
{
    if (!columnar) {
        return NULL;
    }
    struct workload *workload = mem_zalloc(sizeof *workload);
    workload->columnar = columnar;
    columnar_stats(columnar, &workload->stats);
    workload_reserve(workload, 0);
    return workload;
}

/* A text, or a columnar file that came compressed; takes it over. */
static struct workload *open_input(const char *name, struct input_text *input, const struct workload_options *options,
                                   struct diag *diag)
{
    if (columnar_has_magic(input->text, input->bytes)) {
        return from_columnar(columnar_open_memory(name, input->text, input->bytes, options, diag));
    }
    struct reading reading;
    reading_init(&reading, options, diag);
    read_input(&reading, name, input);
    input_text_fini(input);
    return reading_finish(&reading);
}

static struct workload *open_folder(const char *path, const struct workload_options *options, struct diag *diag)
{
    struct reading reading;
    reading_init(&reading, options, diag);
    builder_set_file(&reading.builder, path);
    read_folder(&reading, path);
    builder_set_file(&reading.builder, path); /* what is found over all of it */
    return reading_finish(&reading);
}

struct workload *workload_open(const char *path, const struct workload_options *options, struct diag *diag)
{
    struct columnar *columnar;
    struct input_text input;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return open_folder(path, options, diag);
    }
    if (columnar_map(path, options, &columnar, diag) != ASIM_OK) {
        return NULL;
    }
    if (columnar) {
        return from_columnar(columnar);
    }
    return input_file_read(path, &input, diag) == ASIM_OK ? open_input(path, &input, options, diag) : NULL;
}

struct workload *workload_open_memory(const char *name, const char *text, size_t bytes,
                                      const struct workload_options *options, struct diag *diag)
{
    struct input_text input = input_text_copy(text, bytes);
    return open_input(name, &input, options, diag);
}

static void report_unknown_generator(const char *name, struct diag *diag)
{
    const char *names[16];
    const size_t n = generator_count();
    assert(n <= sizeof names / sizeof *names);
    char allowed[256] = "";
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(allowed);
        names[i] = generator_at(i)->name;
        snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = diag_nearest(name, names, n);
    diag_error(diag, ASIM_USAGE, (struct diag_where){0}, "no generator is called '%s'; allowed: %s%s%s%s", name,
               allowed, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

struct workload *workload_generate(const char *generator, uint64_t n_programs, const struct workload_options *options,
                                   struct diag *diag)
{
    const struct generator *found = generator_find(generator);
    if (!found) {
        report_unknown_generator(generator, diag);
        return NULL;
    }
    if (n_programs == 0 || n_programs >> 38) {
        diag_error(diag, ASIM_USAGE, (struct diag_where){0},
                   "%llu programs asked of generator '%s'; allowed: 1 to 2^38 - 1", (unsigned long long)n_programs,
                   generator);
        return NULL;
    }
    struct workload *workload = mem_zalloc(sizeof *workload);
    workload->generator = found;
    workload->generator_options =
        (struct generator_options){.seed = options->seed, .dag = options->dag, .synthetic = options->synthetic};
    workload->hints = options->hints;
    snprintf(workload->reason, sizeof workload->reason, "generated: %s", found->name);
    workload->stats = (struct workload_stats){.format = workload->reason,
                                              .reason = "named by option",
                                              .n_programs = n_programs,
                                              .n_dags = found->makes_graphs ? n_programs : 0,
                                              .n_told = options->hints != HINTS_OFF ? n_programs : 0};
    workload_reserve(workload, 0);
    return workload;
}

void workload_destroy(struct workload *workload)
{
    if (!workload) {
        return;
    }
    for (size_t chunk = 0; chunk < workload->n_chunks; chunk++) {
        for (size_t i = 0; i < SLOTS_PER_CHUNK; i++) {
            if (workload->chunks[chunk][i]) {
                program_slot_fini(workload->chunks[chunk][i]);
                mem_free(workload->chunks[chunk][i]);
            }
        }
        mem_free(workload->chunks[chunk]);
    }
    mem_free(workload->chunks);
    program_set_fini(&workload->set);
    columnar_close(workload->columnar);
    mem_free(workload);
}

const struct workload_stats *workload_stats(const struct workload *workload)
{
    return &workload->stats;
}

uint32_t workload_tool_count(const struct workload *workload)
{
    return workload->generator  ? workload->generator->n_tools
           : workload->columnar ? workload->columnar->header.n_tools
                                : (uint32_t)workload->set.n_tools;
}

const char *workload_tool_name(const struct workload *workload, uint32_t tool)
{
    assert(tool < workload_tool_count(workload));
    return workload->generator  ? workload->generator->tool_name(tool)
           : workload->columnar ? workload->columnar->tools[tool]
                                : workload->set.tools[tool];
}

simtime workload_arrival(const struct workload *workload, uint64_t program)
{
    assert(program < workload->stats.n_programs);
    if (workload->columnar) {
        return columnar_arrival(workload->columnar, program);
    }
    return workload->generator ? 0 : workload->set.programs[program].arrival;
}

bool workload_has_arrival_order(const struct workload *workload)
{
    return workload->columnar != NULL;
}

bool workload_next_arrival(const struct workload *workload, struct arrival_cursor *cursor, uint64_t *program,
                           simtime *time)
{
    assert(workload_has_arrival_order(workload));
    return columnar_next_arrival(workload->columnar, cursor, program, time);
}

void workload_reserve(struct workload *workload, uint32_t slot)
{
    if (!workload->generator && !workload->columnar) {
        return;
    }
    const size_t n_chunks = (size_t)slot / SLOTS_PER_CHUNK + 1;
    workload->chunks = mem_grow(workload->chunks, &workload->chunk_capacity, n_chunks, sizeof *workload->chunks);
    while (workload->n_chunks < n_chunks) {
        workload->chunks[workload->n_chunks++] = mem_zalloc(SLOTS_PER_CHUNK * sizeof(struct program_slot *));
    }
}

const struct program *workload_fetch(struct workload *workload, uint64_t program, uint32_t slot)
{
    assert(program < workload->stats.n_programs);
    if (!workload->generator && !workload->columnar) {
        return &workload->set.programs[program];
    }
    struct program_slot **place = slot_of(workload, slot);
    if (!*place) {
        *place = mem_zalloc(sizeof **place);
    }
    struct program_slot *made = *place;
    assert(made->program.n_turns == 0); /* the slot is free */
    if (workload->columnar) {
        return columnar_fetch(workload->columnar, program, made) ? &made->program : NULL;
    }
    workload->generator->make(&workload->generator_options, program, made);
    if (workload->hints != HINTS_OFF) {
        generate_hints(workload->hints, workload->generator_options.seed, made);
    }
    return &made->program;
}

void workload_release(struct workload *workload, const struct program *program, uint32_t slot)
{
    if (workload->generator || workload->columnar) {
        struct program_slot *made = *slot_of(workload, slot);
        assert(program == &made->program);
        made->program.n_turns = 0;
    }
    (void)program;
}

bool workload_is_generated(const struct workload *workload)
{
    return workload->generator != NULL;
}

const struct columnar *workload_columnar(const struct workload *workload)
{
    return workload->columnar;
}
