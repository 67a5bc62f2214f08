/* docs/options.md, written from the option table. */
#ifndef ASIM_OPTIONS_OPTION_DOC_H
#define ASIM_OPTIONS_OPTION_DOC_H

/* The page as Markdown, owned by the caller. */
char *option_doc_markdown(void);

#endif
