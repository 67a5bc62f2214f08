/* Prints any JSON document of the library for people.
 *
 * Units come from key names (`_s`, `_bytes`, `_per_s`; rates, uses and errors are fractions), objects of equal shape
 * and arrays of objects become tables, other objects sections. So documents can grow members without a change here.
 */
#ifndef ASIM_CLI_DOCUMENT_H
#define ASIM_CLI_DOCUMENT_H

#include <stdio.h>

void document_print(FILE *out, const char *json);

#endif
