/* Session JSONL of AgentServeSim and LLMServingSim: one program a line, flat (one turn) or a chain of sub_requests.
 *
 * Prompts. `prefix_toks` says how much of the context before a turn is kept; complete.h turns it into the final number.
 * A turn of a chain without it is taken to keep the whole prompt before it when it is no shorter, and nothing when it
 * is; the reader says how often. Token ids replace all of this: contents are then compared by their ids (intern.h). An
 * output without ids is read off the next turn's prompt where that goes on from this turn's prompt, and is private to
 * the turn otherwise.
 *
 * Time. The gap after a turn is `gap_ns` where present (tool and client), else `tool_duration_ns`. Arrivals are
 * `arrival_time_ns` or `arrival_s`.
 */
#ifndef ASIM_WORKLOAD_READ_SESSION_H
#define ASIM_WORKLOAD_READ_SESSION_H

#include "workload/builder.h"
#include "workload/json_lines.h"

struct session_reader;

struct session_reader *session_reader_create(struct builder *builder, struct jdoc_parser *parser);
void session_reader_destroy(struct session_reader *reader);

/* Reads the lines of one file; `text` is padded (input_file.h). */
void session_read(struct session_reader *reader, const char *text, size_t bytes);

#endif
