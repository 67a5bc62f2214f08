/* What the parts of a study file are read with: nodes of the YAML document and their places. */
#ifndef ASIM_API_STUDY_READER_H
#define ASIM_API_STUDY_READER_H

#include "api/study_file.h"

#include <yaml.h>

enum { STUDY_SHOWN = 60 }; /* characters of a text that an error repeats */

struct study_reader {
    struct study *study;
    struct diag *diag;
    yaml_document_t document;
    const char *text;
    size_t bytes;
};

struct diag_where study_place(const struct study_reader *reader, yaml_mark_t mark);

#define STUDY_ERROR(reader, node, ...)                                                                                 \
    diag_error((reader)->diag, ASIM_USAGE, study_place(reader, (node)->start_mark), __VA_ARGS__)

const yaml_node_t *study_node(struct study_reader *reader, int id);

/* The text of a scalar; NULL, with an error that names the key. */
const char *study_scalar(struct study_reader *reader, const yaml_node_t *node, const char *key, const char *allowed);

/* The same, as a copy that lives as long as the study. */
const char *study_text(struct study_reader *reader, const yaml_node_t *node, const char *key, const char *allowed);

/* Keeps the text of a map of options and has the option table check it. */
struct study_options study_options_of(struct study_reader *reader, const yaml_node_t *node, const char *label);

/* A key that a map may have, and how its value is read. */
struct study_member {
    const char *key;
    void (*read)(struct study_reader *reader, const yaml_node_t *value, void *into);
    bool needed;
};

enum { STUDY_MAX_MEMBERS = 16 };

/* Reads each member by its row; `what` the map is, for errors. */
void study_read_map(struct study_reader *reader, const yaml_node_t *map, const struct study_member *members, size_t n,
                    const char *what, void *into);

/* A map whose keys are free names: each is given with its value. */
void study_each_named(struct study_reader *reader, const yaml_node_t *map, const char *what,
                      void (*read)(struct study_reader *reader, const char *name, const yaml_node_t *value, void *into),
                      void *into);

#endif
