/* Programs out of columns. Each value is copied once and checked in the copy, so that what is used is what was checked.
 */
#include "workload/columnar.h"

#include "workload/builder.h"
#include "workload/complete.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

enum {
    MOST_TURNS = (1 << 24) - 1, /* of a program: what a stream's key holds */
    GIVE_BACK_BYTES = 16 << 20, /* touched before pages are given back */
    FAULT_BYTES = 64 << 10,     /* mapped at once around a page that is touched */
    BYTES_PER_TURN = 40,        /* of all columns, about */
};

/* Reports a row that is not sound; always false. */
static bool bad_row(const struct columnar *columnar, enum columnar_section section, uint64_t row, const char *allowed)
{
    diag_error(columnar->diag, ASIM_INPUT, (struct diag_where){.file = columnar->file},
               "section '%s', row %" PRIu64 ": not a value of it; allowed: %s (damaged file)",
               columnar_section_name(section), row, allowed);
    return false;
}

static uint64_t read_u64(const struct columnar *columnar, enum columnar_section section, uint64_t row, uint64_t absent)
{
    const uint64_t offset = columnar->header.sections[section].offset;
    uint64_t value = absent;
    if (offset) {
        memcpy(&value, columnar->base + offset + row * sizeof value, sizeof value);
    }
    return value;
}

static uint32_t read_u32(const struct columnar *columnar, enum columnar_section section, uint64_t row, uint32_t absent)
{
    const uint64_t offset = columnar->header.sections[section].offset;
    uint32_t value = absent;
    if (offset) {
        memcpy(&value, columnar->base + offset + row * sizeof value, sizeof value);
    }
    return value;
}

static uint8_t read_u8(const struct columnar *columnar, enum columnar_section section, uint64_t row)
{
    const uint64_t offset = columnar->header.sections[section].offset;
    return offset ? columnar->base[offset + row] : 0;
}

/* Rows [range[0], range[1]) that belong to program `id`. */
static bool read_range(const struct columnar *columnar, enum columnar_section section, uint64_t id, uint64_t most,
                       uint64_t range[2])
{
    range[0] = read_u64(columnar, section, id, 0);
    range[1] = read_u64(columnar, section, id + 1, 0);
    return (range[0] <= range[1] && range[1] <= most) ||
           bad_row(columnar, section, id, "no more than the row after it, and than there is");
}

static bool read_name(const struct columnar *columnar, uint64_t id, struct program_slot *slot)
{
    const struct columnar_entry *names = &columnar->header.sections[COLUMN_NAMES];
    uint64_t range[2];
    if (!read_range(columnar, COLUMN_PROGRAM_NAMES, id, names->bytes, range)) {
        return false;
    }
    const size_t bytes = range[1] - range[0];
    program_slot_reserve_name(slot, bytes + 1);
    memcpy(slot->name, columnar->base + names->offset + range[0], bytes);
    return (bytes && memchr(slot->name, '\0', bytes) == slot->name + bytes - 1) ||
           bad_row(columnar, COLUMN_PROGRAM_NAMES, id, "a name that ends with the only NUL in it");
}

static bool fill_gap(const struct columnar *columnar, uint64_t id, uint32_t index, uint64_t row, simtime *gap)
{
    const struct workload_options options = {.seed = columnar->seed,
                                             .missing_gap_distribution = columnar->missing_gap_distribution};
    if (columnar->header.missing_gaps == 0) {
        return bad_row(columnar, COLUMN_GAP, row, "0 to 100 days; the header counts no missing gap");
    }
    switch (columnar->missing_gap) {
    case MISSING_GAP_MEDIAN:
        *gap = columnar->header.median_gap;
        return true;
    case MISSING_GAP_DISTRIBUTION:
        if (!draw_missing_gap(&options, id, index, gap)) {
            diag_error(columnar->diag, ASIM_INPUT, (struct diag_where){.file = columnar->file},
                       "a gap drawn for turn %u of program %" PRIu64
                       " is beyond 100 days; give a distribution with a shorter tail",
                       index + 1, id);
            return false;
        }
        return true;
    case MISSING_GAP_KEEP:
    case MISSING_GAP_ERROR: /* refused when the file was opened */
        break;
    }
    return true;
}

/* Turn `index` of the program, from row `row`. */
static bool read_turn(const struct columnar *columnar, uint64_t id, uint32_t index, uint64_t row, struct turn *turns)
{
    struct turn *turn = &turns[index];
    *turn = (struct turn){.prompt_toks = read_u32(columnar, COLUMN_PROMPT, row, 0),
                          .output_toks = read_u32(columnar, COLUMN_OUTPUT, row, 0),
                          .kept_toks = read_u32(columnar, COLUMN_KEPT, row, 0),
                          .parent = read_u32(columnar, COLUMN_PARENT, row, index ? index - 1 : 0),
                          .tool = read_u32(columnar, COLUMN_TOOL, row, 0),
                          .n_extents = read_u32(columnar, COLUMN_TURN_EXTENTS, row, 0),
                          .gap = (simtime)read_u64(columnar, COLUMN_GAP, row, 0)};
    const uint8_t shared = read_u8(columnar, COLUMN_SHARED_OUTPUT, row);
    turn->shared_output = shared == 1;
    if (turn->prompt_toks == 0 || turn->prompt_toks > TOKENS_LIMIT) {
        return bad_row(columnar, COLUMN_PROMPT, row, "1 to 2^31 - 1 tokens");
    }
    if (turn->output_toks > TOKENS_LIMIT) {
        return bad_row(columnar, COLUMN_OUTPUT, row, "0 to 2^31 - 1 tokens");
    }
    if (turn->kept_toks && turn->parent >= index) {
        return bad_row(columnar, COLUMN_PARENT, row, "an earlier turn of the program");
    }
    if (turn->kept_toks > turn->prompt_toks ||
        (turn->kept_toks && turn->kept_toks > turns[turn->parent].prompt_toks + turns[turn->parent].output_toks)) {
        return bad_row(columnar, COLUMN_KEPT, row, "no more than the prompt and than the context it comes from");
    }
    if (turn->tool >= columnar->header.n_tools) {
        return bad_row(columnar, COLUMN_TOOL, row, "a row of 'tool_names'");
    }
    if (turn->gap != GAP_MISSING && (turn->gap < 0 || turn->gap > SIMTIME_LIMIT)) {
        return bad_row(columnar, COLUMN_GAP, row, "-1, or 0 to 100 days in picoseconds");
    }
    if (shared > 1) {
        return bad_row(columnar, COLUMN_SHARED_OUTPUT, row, "0 and 1");
    }
    return turn->gap != GAP_MISSING || fill_gap(columnar, id, index, row, &turn->gap);
}

static bool read_turns(struct columnar *columnar, uint64_t id, struct program_slot *slot, uint32_t *n)
{
    uint64_t range[2];
    if (!read_range(columnar, COLUMN_PROGRAM_TURNS, id, columnar->header.n_turns, range)) {
        return false;
    }
    if (range[0] == range[1] || range[1] - range[0] > MOST_TURNS) {
        return bad_row(columnar, COLUMN_PROGRAM_TURNS, id, "1 to 2^24 - 1 turns");
    }
    *n = (uint32_t)(range[1] - range[0]);
    program_slot_reserve_turns(slot, *n);
    for (uint32_t i = 0; i < *n; i++) {
        if (!read_turn(columnar, id, i, range[0] + i, slot->turns)) {
            return false;
        }
    }
    slot->turns[*n - 1].gap = 0;
    columnar->touched += (size_t)*n * BYTES_PER_TURN;
    return true;
}

static bool is_sound_stream(uint64_t stream, uint64_t program)
{
    const uint64_t kind = stream >> 62;
    return kind == STREAM_INTERNED || kind == STREAM_SHARED || (kind == STREAM_PRIVATE && stream >> 24 == program);
}

/* The contents of one turn from `row` on; its extents follow those of the turns before it. */
static bool read_content(const struct columnar *columnar, uint64_t id, uint64_t row, const struct turn *turn,
                         struct extent *out)
{
    uint64_t toks = 0;
    const uint64_t all = (uint64_t)turn->prompt_toks + turn->output_toks;
    for (uint32_t i = 0; i < turn->n_extents; i++) {
        out[i] = (struct extent){.stream = read_u64(columnar, COLUMN_EXTENT_STREAM, row + i, 0),
                                 .first = (uint32_t)toks,
                                 .count = read_u32(columnar, COLUMN_EXTENT_COUNT, row + i, 0)};
        toks += out[i].count;
        if (out[i].count == 0 || toks > all || (i + 1 == turn->n_extents && toks != all)) {
            return bad_row(columnar, COLUMN_EXTENT_COUNT, row + i, "1 or more, as many in all as the turn has tokens");
        }
        if (!is_sound_stream(out[i].stream, id)) {
            return bad_row(columnar, COLUMN_EXTENT_STREAM, row + i,
                           "a stream that is shared, interned or the program's");
        }
    }
    return true;
}

static bool read_contents(struct columnar *columnar, uint64_t id, struct program_slot *slot, uint32_t n_turns)
{
    uint64_t range[2];
    if (!columnar->has_extents) {
        return true;
    }
    if (!read_range(columnar, COLUMN_PROGRAM_EXTENTS, id, columnar->header.n_extents, range)) {
        return false;
    }
    const uint64_t n = range[1] - range[0];
    uint64_t at = 0;
    for (uint32_t i = 0; i < n_turns; i++) {
        slot->turns[i].first_extent = (uint32_t)at;
        at += slot->turns[i].n_extents;
        if (at > n || at > UINT32_MAX) {
            break;
        }
    }
    if (at != n) {
        return bad_row(columnar, COLUMN_PROGRAM_EXTENTS, id, "as many extents as the program's turns have");
    }
    program_slot_reserve_extents(slot, n ? n : 1); /* places in it are told, of turns without extents too */
    for (uint32_t i = 0; i < n_turns; i++) {
        const struct turn *turn = &slot->turns[i];
        if (!read_content(columnar, id, range[0] + turn->first_extent, turn, slot->extents + turn->first_extent)) {
            return false;
        }
    }
    columnar->touched += n * (sizeof(uint64_t) + sizeof(uint32_t));
    return true;
}

/* Gives the pages touched so far back to the system; what is still needed comes back from its cache. */
static void give_pages_back(struct columnar *columnar, uint64_t id)
{
    columnar->touched += id == columnar->next_program ? 0 : COLUMNAR_SECTIONS * FAULT_BYTES;
    columnar->next_program = id + 1;
    if (columnar->touched >= GIVE_BACK_BYTES && !columnar->owned) {
        madvise((void *)columnar->base, columnar->bytes, MADV_DONTNEED);
        columnar->touched = 0;
    }
}

simtime columnar_arrival(const struct columnar *columnar, uint64_t program)
{
    return (simtime)read_u64(columnar, COLUMN_ARRIVAL, program, 0);
}

static bool fetch(struct columnar *columnar, uint64_t id, struct program_slot *slot)
{
    give_pages_back(columnar, id);
    uint32_t n_turns = 0;
    if (!read_name(columnar, id, slot) || !read_turns(columnar, id, slot, &n_turns) ||
        !read_contents(columnar, id, slot, n_turns)) {
        return false;
    }
    const struct program program = {.id = id,
                                    .name = slot->name,
                                    .arrival = columnar_arrival(columnar, id),
                                    .line = read_u32(columnar, COLUMN_LINE, id, 0),
                                    .n_turns = n_turns,
                                    .turns = slot->turns,
                                    .extents = slot->extents,
                                    .shared_stream =
                                        read_u64(columnar, COLUMN_SHARED_STREAM, id, stream_common(STREAM_SHARED, 0)),
                                    .shared_prefix_toks = read_u32(columnar, COLUMN_SHARED_PREFIX, id, 0)};
    if (program.arrival < 0 || program.arrival > SIMTIME_LIMIT) {
        return bad_row(columnar, COLUMN_ARRIVAL, id, "0 to 100 days in picoseconds");
    }
    if (program.shared_stream >> 62 != STREAM_SHARED) {
        return bad_row(columnar, COLUMN_SHARED_STREAM, id, "a shared stream");
    }
    if (program.shared_prefix_toks > slot->turns[0].prompt_toks) {
        return bad_row(columnar, COLUMN_SHARED_PREFIX, id, "no more than the first prompt");
    }
    slot->program = program;
    return true;
}

bool columnar_fetch(struct columnar *columnar, uint64_t id, struct program_slot *slot)
{
    pthread_mutex_lock(&columnar->lock);
    const bool sound = fetch(columnar, id, slot);
    pthread_mutex_unlock(&columnar->lock);
    return sound;
}

bool columnar_next_arrival(const struct columnar *columnar, struct arrival_cursor *cursor, uint64_t *program,
                           simtime *time)
{
    while (cursor->position < columnar->header.n_programs) {
        const uint64_t row = cursor->position++;
        const uint64_t id = read_u64(columnar, COLUMN_ORDER, row, row);
        if (id >= columnar->header.n_programs) {
            return bad_row(columnar, COLUMN_ORDER, row, "a program");
        }
        if (id >= columnar->n_programs) {
            continue; /* not among those that are taken */
        }
        const simtime arrival = columnar_arrival(columnar, id);
        if (arrival < 0 || arrival > SIMTIME_LIMIT) {
            return bad_row(columnar, COLUMN_ARRIVAL, id, "0 to 100 days in picoseconds");
        }
        /* Rising pairs of time and program: so none comes twice. */
        if (cursor->has_last && (arrival < cursor->time || (arrival == cursor->time && id <= cursor->program))) {
            return bad_row(columnar, COLUMN_ORDER, row, "programs by arrival, then by number");
        }
        *cursor = (struct arrival_cursor){.position = row + 1, .has_last = true, .time = arrival, .program = id};
        *program = id;
        *time = arrival;
        return true;
    }
    return false;
}
