/* Options from YAML: nested maps whose keys, joined by dots, are the paths of the option table.
 *
 * libyaml's event stream is read under the table, with the marks of its events, so that every error of a file is
 * reported with line and column in one go; only a syntax error ends reading early. Scalars are taken as the text they
 * are, whatever YAML would make of them (`on`, `1e6`, `0.5/s`): the option's type decides. Anchors, aliases, merge
 * keys, tags and second documents are refused.
 */
#ifndef ASIM_OPTIONS_YAML_SOURCE_H
#define ASIM_OPTIONS_YAML_SOURCE_H

#include "options/sources.h"

/* Reads text; `name` stands for the file in messages and origins. */
asim_status yaml_source_read(struct option_sources *sources, uint32_t rank, const char *name, const char *text,
                             size_t bytes, struct diag *diag);

/* The text of a file, freed with mem_free; NULL, with an error. */
char *yaml_file_read(const char *path, size_t *bytes, struct diag *diag);

/* Reads a file. */
asim_status yaml_source_load(struct option_sources *sources, uint32_t rank, const char *path, struct diag *diag);

#endif
