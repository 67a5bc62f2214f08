/* Traces of kv-cache-tester ("Weka"): JSON documents of one conversation each, alone in a file or one a line.
 *
 * Identity. `hash_ids` name the full blocks of a prompt (64 tokens; block_size), and equal ids mean equal tokens within
 * the conversation (`hash_id_scope` "local"). A turn's parent is the earlier turn that shares the longest run of
 * leading ids, the latest of them in a tie, and it keeps that many blocks; complete.h then decides about the remainder
 * and the output. Tokens beyond the hashed blocks are the turn's own.
 *
 * Time. `think_time` is the client's gap before a request: it becomes the gap after the turn before, called "tool" when
 * the request brings a tool result and "user" otherwise. Missing or negative: unknown. `t` and `api_time` are
 * measurements of the recorded run. There are no arrivals.
 *
 * Sub-agents (`type` "subagent") are programs that the turns around them wait for, which a chain cannot say; their
 * requests are left out and counted. The gap around them is the recorded one, so their time is in it.
 */
#ifndef ASIM_WORKLOAD_READ_WEKA_H
#define ASIM_WORKLOAD_READ_WEKA_H

#include "workload/builder.h"
#include "workload/json_lines.h"

struct weka_reader;

struct weka_reader *weka_reader_create(struct builder *builder, struct jdoc_parser *parser);
void weka_reader_destroy(struct weka_reader *reader);

/* Reads the conversations of one file: a single document (which may span lines), or one a line. */
void weka_read(struct weka_reader *reader, const char *text, size_t bytes);

#endif
