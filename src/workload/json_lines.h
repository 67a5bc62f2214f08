/* JSON documents through simdjson's DOM, for C: a shim that lets no exception across.
 *
 * One document at a time: values point into the parser's tape and are valid until its next jdoc_parse. Lines are parsed
 * one by one rather than with parse_many, so that a damaged line cannot take its neighbours with it; simdjson picks the
 * processor's instructions at run time either way.
 *
 * Names start with jdoc_, as json_ belongs to jansson.
 *
 * A number is JDOC_INTEGER when it is written without fraction and exponent and fits 64 bits, else JDOC_REAL.
 */
#ifndef ASIM_WORKLOAD_JSON_LINES_H
#define ASIM_WORKLOAD_JSON_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct jdoc_parser;

enum jdoc_type { JDOC_NULL, JDOC_BOOL, JDOC_INTEGER, JDOC_REAL, JDOC_STRING, JDOC_ARRAY, JDOC_OBJECT };

struct jdoc_value {
    uintptr_t opaque[2];
};

/* Walks an array or an object. */
struct jdoc_iterator {
    uintptr_t opaque[4];
};

/* A string of a document: UTF-8, unescaped; may hold any byte, NUL included. A NUL that does not count follows it. */
struct jdoc_string {
    const char *text;
    size_t bytes;
};

struct jdoc_parser *jdoc_parser_create(void);
void jdoc_parser_destroy(struct jdoc_parser *parser);

/* Parses one document of `bytes` bytes, after which INPUT_PADDING more must be readable. NULL, or what is wrong. */
const char *jdoc_parse(struct jdoc_parser *parser, const char *text, size_t bytes, struct jdoc_value *root);

enum jdoc_type jdoc_type_of(struct jdoc_value value);

/* False when the value is of another type or does not fit; *out is untouched then. */
bool jdoc_integer(struct jdoc_value value, int64_t *out);
bool jdoc_real(struct jdoc_value value, double *out); /* any number */
bool jdoc_text(struct jdoc_value value, struct jdoc_string *out);

/* The value must be an array (object); its members follow one by one, in the order of the document. */
struct jdoc_iterator jdoc_array(struct jdoc_value value);
bool jdoc_array_next(struct jdoc_iterator *iterator, struct jdoc_value *value);
struct jdoc_iterator jdoc_object(struct jdoc_value value);
bool jdoc_object_next(struct jdoc_iterator *iterator, struct jdoc_string *key, struct jdoc_value *value);

/* Copies an array of integers below 2^32 to out[0..capacity). Returns how many elements the array has; *bad is the
 * index of the first element that is no such integer, or SIZE_MAX (elements beyond the capacity are counted, not
 * checked). */
size_t jdoc_array_u32(struct jdoc_value value, uint32_t *out, size_t capacity, size_t *bad);

#ifdef __cplusplus
}
#endif

#endif
