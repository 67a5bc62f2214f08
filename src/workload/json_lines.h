/* JSON documents through simdjson's DOM, for C: a shim that lets no exception across.
 *
 * One document at a time: values point into the parser's tape and are valid until its next json_parse. Lines are parsed
 * one by one rather than with parse_many, so that a damaged line cannot take its neighbours with it; simdjson picks the
 * processor's instructions at run time either way.
 *
 * A number is JSON_INTEGER when it is written without fraction and exponent and fits 64 bits, else JSON_REAL.
 */
#ifndef ASIM_WORKLOAD_JSON_LINES_H
#define ASIM_WORKLOAD_JSON_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_parser;

enum json_type { JSON_NULL, JSON_BOOL, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    uintptr_t opaque[2];
};

/* Walks an array or an object. */
struct json_iterator {
    uintptr_t opaque[4];
};

/* A string of a document: UTF-8, unescaped; may hold any byte, NUL included. */
struct json_string {
    const char *text;
    size_t bytes;
};

struct json_parser *json_parser_create(void);
void json_parser_destroy(struct json_parser *parser);

/* Parses one document of `bytes` bytes, after which INPUT_PADDING more must be readable. NULL, or what is wrong. */
const char *json_parse(struct json_parser *parser, const char *text, size_t bytes, struct json_value *root);

enum json_type json_type_of(struct json_value value);

/* False when the value is of another type or does not fit; *out is untouched then. */
bool json_integer(struct json_value value, int64_t *out);
bool json_real(struct json_value value, double *out); /* any number */
bool json_text(struct json_value value, struct json_string *out);

/* The value must be an array (object); its members follow one by one, in the order of the document. */
struct json_iterator json_array(struct json_value value);
bool json_array_next(struct json_iterator *iterator, struct json_value *value);
struct json_iterator json_object(struct json_value value);
bool json_object_next(struct json_iterator *iterator, struct json_string *key, struct json_value *value);

/* Copies an array of integers below 2^32 to out[0..capacity). Returns how many elements the array has; *bad is the
 * index of the first element that is no such integer, or SIZE_MAX (elements beyond the capacity are counted, not
 * checked). */
size_t json_array_u32(struct json_value value, uint32_t *out, size_t capacity, size_t *bad);

#ifdef __cplusplus
}
#endif

#endif
