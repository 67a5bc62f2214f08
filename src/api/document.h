/* Small helpers of the API's JSON documents. */
#ifndef ASIM_API_DOCUMENT_H
#define ASIM_API_DOCUMENT_H

#include <jansson.h>

/* Significant digits of canonical documents, and of what was timed. */
enum { DOCUMENT_DIGITS = 15, DOCUMENT_TIMED_DIGITS = 6 };

/* The document as text to be freed with asim_free; takes the reference. */
char *document_text(json_t *document, int digits);

#endif
