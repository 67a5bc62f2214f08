/* Labelled lines of text, and members of the documents they are made from. */
#ifndef ASIM_CLI_LINES_H
#define ASIM_CLI_LINES_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Members of an object; "?" and 0 where there is none. */
const char *text_of(const json_t *object, const char *key);
double real_of(const json_t *object, const char *key);
int64_t count_of(const json_t *object, const char *key);

/* "label       text", the text wrapped beside the label. */
void line(FILE *out, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
