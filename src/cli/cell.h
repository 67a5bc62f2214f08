/* One value of a JSON document as text: what its key says of its unit, and how a person writes it. */
#ifndef ASIM_CLI_CELL_H
#define ASIM_CLI_CELL_H

#include <jansson.h>
#include <stdbool.h>

enum { CELL_BYTES = 4096, CELL_LABEL_BYTES = 128 };

enum unit { UNIT_NONE, UNIT_SECONDS, UNIT_BYTES, UNIT_PER_SECOND, UNIT_BYTES_PER_SECOND, UNIT_FRACTION, UNIT_COUNT };

/* The unit that a key names, or the one of the key above. */
enum unit cell_unit(const char *key, enum unit above);

/* The key without its unit, underscores as spaces. */
const char *cell_label(const char *key, char out[CELL_LABEL_BYTES]);

/* Neither an object nor an array. */
bool cell_is_scalar(const json_t *value);

/* A scalar in the unit of its key; `value` may be NULL: absent. */
const char *cell_text(const json_t *value, enum unit unit, char out[CELL_BYTES]);

#endif
