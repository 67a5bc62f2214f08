#include "options/option_doc.h"

#include "options/option_table.h"

#include <stdio.h>
#include <string.h>

static const char introduction[] =
    "# Options\n"
    "\n"
    "Every verb reads the same options. One option can be given\n"
    "\n"
    "* in a YAML file, under its path: `max_num_seqs: 256`; a dot in a path is a map "
    "(`router: {telemetry_period: 50ms}`) or\n"
    "  a dotted key (`router.telemetry_period: 50ms`),\n"
    "* in the environment, as `ASIM_` and the path in capitals with dots as "
    "underscores: `ASIM_ROUTER_TELEMETRY_PERIOD=50ms`,\n"
    "* on the command line, as `--` and the path with dots and underscores as hyphens: "
    "`--router-telemetry-period 50ms`, or\n"
    "  `--set router.telemetry_period=50ms`. An on|off option may stand alone "
    "(`--json`), or be turned off by `--no-`.\n"
    "\n"
    "Lowest precedence first: built-in default, embedded scenario (only when no file, "
    "no workload and no generator is given),\n"
    "preset of the engine, files in order, environment, command line. Of options that "
    "exclude each other, the one of higher\n"
    "precedence replaces the other; two at the same level are an error. `--print-config "
    "--origin` shows every value and where\n"
    "it came from.\n"
    "\n"
    "An option without a default is unset until it is given. There is no value that "
    "means unset: leave the option out.\n"
    "\n"
    "| type | how it is written |\n"
    "|---|---|\n"
    "| count | a whole number: `8192`, `1e6` |\n"
    "| duration | a number with `ps`, `ns`, `us`, `ms`, `s`, `min` or `h`: `100ms`; at "
    "most 100 days; only 0 needs no unit |\n"
    "| rate | `0.5/s`, `30/min`, `1800/h`; a plain number is per second |\n"
    "| bandwidth | a number with `B/s`, `kB/s`, `MB/s`, `GB/s`, `TB/s` (powers of 1000) "
    "or `KiB/s`, `MiB/s`, `GiB/s`, `TiB/s` |\n"
    "| bytes | a number with `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000) or `KiB`, `MiB`, `GiB`, `TiB` |\n"
    "| fraction | `0.9` or `90%` |\n"
    "| on\\|off | `on`, `off`, `true`, `false` |\n"
    "| distribution | of durations or counts: `2s`, `uniform(1s, 3s)`, `exponential(mean=2s)`, "
    "`lognormal(median=1.5s, p99=60s)`, "
    "`lognormal(mean=2s, sigma=0.8)`; of counts also `geometric(mean=10)`; "
    "bounded with `min=` and `max=`: `geometric(mean=10, max=60)` |\n";

/* Bars end a cell unless escaped. */
static void write_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        fputs(*text == '|' ? "\\|" : (char[]){*text, '\0'}, out);
    }
}

static void write_row(FILE *out, const asim_option *option)
{
    fprintf(out, "| `%s` | ", option->path);
    write_cell(out, option->type);
    if (option->allowed) {
        fputs(": ", out);
        write_cell(out, option->allowed);
    }
    fprintf(out, " | %s | ", option->default_text ? option->default_text : "");
    write_cell(out, option->help);
    fputs(" |\n", out);
}

char *option_doc_markdown(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    fputs(introduction, out);
    const struct option_topic *topic;
    for (size_t t = 0; (topic = option_topic_at(t)); t++) {
        fprintf(out, "\n## %s\n\n%c%s.\n\n| option | value | default | meaning |\n|---|---|---|---|\n", topic->name,
                topic->description[0] - 'a' + 'A', topic->description + 1);
        for (size_t i = 0; i < option_count(); i++) {
            if (strcmp(option_at(i)->doc.topic, topic->name) == 0) {
                write_row(out, &option_at(i)->doc);
            }
        }
    }
    fputs("\nThis page is written from the option table (`src/options/option_table.c`) by the test "
          "`options.test_option_doc`\n"
          "when it runs with `UPDATE_GOLDEN=1`.\n",
          out);
    fclose(out);
    return text;
}
