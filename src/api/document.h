/* Small helpers of the API's JSON documents. */
#ifndef ASIM_API_DOCUMENT_H
#define ASIM_API_DOCUMENT_H

#include <jansson.h>

/* The document as text to be freed with asim_free; takes the reference. */
char *document_text(json_t *document);

#endif
