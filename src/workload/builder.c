#include "workload/builder.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint32_t number_name(struct name_table *table, struct arena *arena, const char *name, size_t bytes)
{
    bool added;
    const uint32_t id = *key_map_at(&table->ids, key_of(name, bytes), (uint32_t)table->n, &added);
    if (added) {
        table->names = mem_grow(table->names, &table->capacity, table->n + 1, sizeof *table->names);
        table->names[table->n++] = arena_strndup(arena, name, bytes);
    }
    return id;
}

static void name_table_fini(struct name_table *table)
{
    key_map_fini(&table->ids);
    mem_free(table->names);
    *table = (struct name_table){0};
}

void program_set_fini(struct program_set *set)
{
    mem_free(set->programs);
    mem_free(set->origins);
    mem_free(set->turns);
    mem_free(set->extents);
    mem_free(set->tools);
    arena_fini(&set->arena);
    *set = (struct program_set){0};
}

void builder_init(struct builder *builder, const struct workload_options *options, struct diag *diag)
{
    *builder = (struct builder){.options = options, .diag = diag, .file = ""};
    arena_init(&builder->set.arena);
    interner_init(&builder->interner, options->block_size);
    diag_init(&builder->skipped_diag);
    builder_tool(builder, "tool", strlen("tool"));
}

void builder_fini(struct builder *builder)
{
    name_table_fini(&builder->tools);
    name_table_fini(&builder->tenants);
    name_table_fini(&builder->other_keys);
    name_table_fini(&builder->models);
    interner_fini(&builder->interner);
    diag_fini(&builder->skipped_diag);
    program_set_fini(&builder->set);
}

bool builder_is_full(const struct builder *builder)
{
    const uint64_t most = builder->options->max_programs;
    return (most && builder->set.n_programs >= most) || builder->diag->n_errors >= DIAG_MAX_ENTRIES;
}

void builder_set_file(struct builder *builder, const char *file)
{
    builder->file = arena_strndup(&builder->set.arena, file, strlen(file));
    builder->line = 0;
}

struct diag_where builder_where(const struct builder *builder)
{
    return (struct diag_where){.file = builder->file, .line = builder->line};
}

void builder_begin(struct builder *builder, uint32_t line)
{
    builder->line = line;
    builder->open_turns = builder->set.n_turns;
    builder->open_extents = builder->set.n_extents;
    builder->is_bad = false;
}

void builder_bad(struct builder *builder, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (!builder->options->skip_bad_lines) {
        diag_error(builder->diag, ASIM_INPUT, builder_where(builder), "%s", message);
    } else if (!builder->skipped_diag.n_errors) {
        diag_error(&builder->skipped_diag, ASIM_INPUT, builder_where(builder), "%s", message);
    }
    builder->is_bad = true;
}

struct turn *builder_turns(const struct builder *builder)
{
    return builder->set.turns + builder->open_turns;
}

uint32_t builder_turn_count(const struct builder *builder)
{
    return (uint32_t)(builder->set.n_turns - builder->open_turns);
}

struct turn *builder_add_turn(struct builder *builder)
{
    struct program_set *set = &builder->set;
    set->turns = mem_grow(set->turns, &builder->turn_capacity, set->n_turns + 1, sizeof *set->turns);
    struct turn *turn = &set->turns[set->n_turns++];
    *turn = (struct turn){0};
    return turn;
}

void builder_add_extents(struct builder *builder, struct turn *turn, const struct extent_list *list)
{
    struct program_set *set = &builder->set;
    set->extents = mem_grow(set->extents, &builder->extent_capacity, set->n_extents + list->n, sizeof *set->extents);
    memcpy(set->extents + set->n_extents, list->items, list->n * sizeof *list->items);
    turn->first_extent = (uint32_t)(set->n_extents - builder->open_extents);
    turn->n_extents = (uint32_t)list->n;
    set->n_extents += list->n;
}

uint32_t builder_tool(struct builder *builder, const char *name, size_t bytes)
{
    return number_name(&builder->tools, &builder->set.arena, name, bytes);
}

uint32_t builder_tenant(struct builder *builder, const char *name, size_t bytes)
{
    return 1 + number_name(&builder->tenants, &builder->set.arena, name, bytes);
}

void builder_node_model(struct builder *builder, const char *name, size_t bytes)
{
    number_name(&builder->models, &builder->set.arena, name, bytes);
    builder->n_with_models++;
}

void builder_other_key(struct builder *builder, const char *key, size_t bytes)
{
    number_name(&builder->other_keys, &builder->set.arena, key, bytes);
}

struct program *builder_commit(struct builder *builder, const char *name, size_t bytes)
{
    struct program_set *set = &builder->set;
    if (builder->is_bad) {
        set->n_turns = builder->open_turns;
        set->n_extents = builder->open_extents;
        builder->skipped += builder->options->skip_bad_lines;
        return NULL;
    }
    assert(builder_turn_count(builder) > 0);
    char line_name[32];
    if (!name) {
        bytes = (size_t)snprintf(line_name, sizeof line_name, "line %u", builder->line);
        name = line_name;
    }
    set->programs = mem_grow(set->programs, &builder->program_capacity, set->n_programs + 1, sizeof *set->programs);
    set->origins = mem_grow(set->origins, &builder->origin_capacity, set->n_programs + 1, sizeof *set->origins);
    set->origins[set->n_programs] = (struct program_origin){
        .file = builder->file, .first_turn = builder->open_turns, .first_extent = builder->open_extents};
    struct program *program = &set->programs[set->n_programs];
    *program = (struct program){.id = set->n_programs,
                                .name = arena_strndup(&set->arena, name, bytes),
                                .line = builder->line,
                                .n_turns = builder_turn_count(builder)};
    set->n_programs++;
    return program;
}

void builder_arrival(struct builder *builder, int64_t arrival_ns)
{
    struct program_origin *origin = &builder->set.origins[builder->set.n_programs - 1];
    origin->arrival_ns = arrival_ns;
    origin->has_arrival = true;
    builder->n_arrivals++;
}
