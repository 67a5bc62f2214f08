#include "api/document.h"

#include "base/mem.h"

#include <stdlib.h>

char *document_text(json_t *document, int digits)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
    json_decref(document);
    char *copy = mem_strdup(text);
    free(text);
    return copy;
}
