/* Prints any JSON document of the library for people.
 *
 * Units come from key names (`_s`, `_bytes`, `_per_s`; rates, uses and errors are fractions), objects of equal shape
 * and arrays of objects become tables, other objects sections; what fits beside its label comes first. A `kind` with
 * `items` is printed as the items under that name. So documents can grow members without a change here.
 */
#ifndef ASIM_CLI_DOCUMENT_H
#define ASIM_CLI_DOCUMENT_H

#include <stdio.h>

void document_print(FILE *out, const char *json);

#endif
