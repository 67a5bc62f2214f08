#include "api/config.h"

#include "base/mem.h"
#include "options/argv_source.h"
#include "options/config_text.h"
#include "options/environment_source.h"
#include "options/option_lookup.h"
#include "options/option_value.h"
#include "options/resolve.h"
#include "options/unused.h"
#include "options/yaml_source.h"

#include <assert.h>

extern char **environ; /* POSIX names it, no header declares it */

struct asim_config {
    struct option_sources sources;
    struct resolved resolved; /* of the last asim_config_resolve */
    bool is_resolved;
    size_t n_source_errors; /* since the messages were last cleared: values that are missing from `sources` */
    struct diag diag;
};

asim_config *asim_config_create(void)
{
    asim_config *config = mem_zalloc(sizeof *config);
    option_sources_init(&config->sources);
    diag_init(&config->diag);
    return config;
}

static void forget_resolved(asim_config *config)
{
    resolved_fini(&config->resolved);
    config->is_resolved = false;
}

void asim_config_destroy(asim_config *config)
{
    if (config) {
        forget_resolved(config);
        option_sources_fini(&config->sources);
        diag_fini(&config->diag);
        mem_free(config);
    }
}

/* After every source: its errors must not be forgotten by asim_config_resolve. */
static asim_status note_source(asim_config *config, asim_status status)
{
    forget_resolved(config);
    config->n_source_errors += status != ASIM_OK;
    return status;
}

static uint32_t next_file_rank(asim_config *config)
{
    return RANK_FILE + config->sources.n_files++;
}

asim_status asim_config_load(asim_config *config, const char *path)
{
    return note_source(config, yaml_source_load(&config->sources, next_file_rank(config), path, &config->diag));
}

asim_status asim_config_load_text(asim_config *config, const char *name, const char *text, size_t bytes)
{
    return note_source(config,
                       yaml_source_read(&config->sources, next_file_rank(config), name, text, bytes, &config->diag));
}

asim_status asim_config_load_environment(asim_config *config)
{
    return note_source(config, environment_source_read(&config->sources, (const char *const *)environ, &config->diag));
}

asim_status asim_config_set(asim_config *config, const char *path, const char *value)
{
    return note_source(config, argv_source_set(&config->sources, path, value, &config->diag));
}

asim_status asim_config_set_flag(asim_config *config, const char *flag, const char *value)
{
    return note_source(config, argv_source_flag(&config->sources, flag, value, &config->diag));
}

asim_status asim_config_resolve(asim_config *config)
{
    forget_resolved(config);
    const asim_status status = resolve(&config->sources, &config->resolved, &config->diag);
    config->is_resolved = status == ASIM_OK && config->n_source_errors == 0;
    return config->is_resolved ? ASIM_OK : ASIM_USAGE;
}

char *asim_config_yaml(const asim_config *config, bool origin)
{
    return config->is_resolved ? config_text(&config->resolved, origin) : NULL;
}

char *asim_config_get(const asim_config *config, const char *path)
{
    const size_t row = option_find(path, NAMING_PATH);
    return config->is_resolved && row < option_count() ? option_value_format(option_at(row), &config->resolved.settings)
                                                       : NULL;
}

size_t asim_config_message_count(const asim_config *config)
{
    return config->diag.n_entries;
}

const char *asim_config_message(const asim_config *config, size_t index, bool *is_warning)
{
    if (index >= config->diag.n_entries) {
        return NULL;
    }
    if (is_warning) {
        *is_warning = config->diag.entries[index].is_warning;
    }
    return config->diag.entries[index].text;
}

void asim_config_clear_messages(asim_config *config)
{
    diag_fini(&config->diag);
    config->n_source_errors = 0;
}

size_t asim_option_count(void)
{
    return option_count();
}

const asim_option *asim_option_at(size_t index)
{
    const struct option_row *row = option_at(index);
    return row ? &row->doc : NULL;
}

const char *asim_topic_at(size_t index, const char **description)
{
    const struct option_topic *topic = option_topic_at(index);
    if (topic && description) {
        *description = topic->description;
    }
    return topic ? topic->name : NULL;
}

asim_config *config_copy(const asim_config *from)
{
    asim_config *config = asim_config_create();
    struct option_sources *to = &config->sources;
    to->n_files = from->sources.n_files;
    to->n = from->sources.n;
    to->items = mem_grow(NULL, &to->capacity, to->n, sizeof *to->items);
    for (size_t i = 0; i < to->n; i++) {
        const struct option_given *item = &from->sources.items[i];
        to->items[i] = *item;
        to->items[i].text = item->text ? mem_strdup(item->text) : NULL;
        to->items[i].origin = mem_strdup(item->origin);
    }
    config->n_source_errors = from->n_source_errors;
    return config;
}

const struct settings *config_settings(const asim_config *config)
{
    return config->is_resolved ? &config->resolved.settings : NULL;
}

void config_warn_unused(const asim_config *config, struct diag *diag)
{
    assert(config->is_resolved);
    unused_warn(&config->resolved, diag);
}

struct diag *config_diag(asim_config *config)
{
    return &config->diag;
}
