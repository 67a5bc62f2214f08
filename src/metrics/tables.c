#include "metrics/tables.h"

#include "metrics/turn_times.h"

#include <inttypes.h>
#include <string.h>

/* RFC 4180: quoted when it holds a comma, a quote or a line break; quotes are doubled. */
static void put_text(FILE *file, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (const char *c = text; *c; c++) {
        if (*c == '"') {
            fputc('"', file);
        }
        fputc(*c, file);
    }
    fputc('"', file);
}

/* A comma and the time. */
static void put_time(FILE *file, simtime time)
{
    char seconds[SIMTIME_TEXT_BYTES];
    fprintf(file, ",%s", simtime_text(time, seconds));
}

bool tables_write_programs(FILE *file, const struct program_row *rows, uint64_t n)
{
    fputs("program,name,arrival_s,end_s,jct_s,tool_s,queue_s,first_ttft_s,turns,prompt_tokens,generated_tokens,"
          "prefix_hit_tokens,preemptions\n",
          file);
    for (uint64_t i = 0; i < n; i++) {
        const struct program_row *row = &rows[i];
        fprintf(file, "%" PRIu64 ",", row->record.program);
        put_text(file, row->record.name);
        put_time(file, row->record.arrival);
        put_time(file, row->record.end);
        put_time(file, row->record.end - row->record.arrival);
        put_time(file, row->record.tool_time);
        put_time(file, row->sums.queue);
        put_time(file, row->sums.ttft_first);
        fprintf(file, ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 "\n", row->record.n_turns,
                row->sums.prompt_toks, row->sums.generated_toks, row->sums.hit_toks, row->sums.preemptions);
    }
    return fflush(file) == 0 && !ferror(file);
}

bool tables_write_turns(FILE *file, const struct turn_record *turns, uint64_t n)
{
    fputs("program,turn,instance,ready_s,arrived_s,first_scheduled_s,first_token_s,last_token_s,ttft_s,e2e_s,queue_s,"
          "tpot_s,prompt_tokens,output_tokens,prefix_hit_tokens,recomputed_tokens,preemptions,length_limited,"
          "eligible_tokens,loaded_tokens\n",
          file);
    for (uint64_t i = 0; i < n; i++) {
        const struct turn_record *turn = &turns[i];
        fprintf(file, "%" PRIu64 ",%" PRIu32 ",%" PRIu32, turn->program, turn->turn, turn->instance);
        put_time(file, turn->ready);
        put_time(file, turn->arrived);
        put_time(file, turn->first_scheduled);
        put_time(file, turn->first_token);
        put_time(file, turn->last_token);
        put_time(file, turn_ttft(turn));
        put_time(file, turn_e2e(turn));
        put_time(file, turn_queue(turn));
        simtime tpot;
        if (turn_tpot(turn, &tpot)) {
            put_time(file, tpot);
        } else {
            fputc(',', file);
        }
        fprintf(file, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%d,%" PRIu32 ",%" PRIu32 "\n",
                turn->prompt_toks, turn->output_toks, turn->hit_toks, turn->recomputed_toks, turn->preemptions,
                turn->length_limited, turn->kept_toks, turn->loaded_toks);
    }
    return fflush(file) == 0 && !ferror(file);
}
