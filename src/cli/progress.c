#include "cli/progress.h"

#include "cli/human.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_BYTES = 320 };

/* Wall seconds before the first line and between lines. A run that is over sooner shows nothing. */
static const struct {
    double first, period;
} timing[] = {[PROGRESS_SHOW_BAR] = {0.5, 0.1}, [PROGRESS_SHOW_PLAIN] = {2, 2}, [PROGRESS_SHOW_JSON] = {0, 1}};

void progress_init(struct progress *progress, FILE *out, const char *mode)
{
    *progress = (struct progress){.out = out, .mode = isatty(fileno(out)) ? PROGRESS_SHOW_BAR : PROGRESS_SHOW_PLAIN};
    static const char *const names[] = {[PROGRESS_SHOW_NONE] = "none",
                                        [PROGRESS_SHOW_BAR] = "bar",
                                        [PROGRESS_SHOW_PLAIN] = "plain",
                                        [PROGRESS_SHOW_JSON] = "json"};
    for (size_t i = 0; mode && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], mode) == 0) {
            progress->mode = (enum progress_mode)i;
        }
    }
    if (progress->mode != PROGRESS_SHOW_NONE) {
        progress->next_wall_s = timing[progress->mode].first;
    }
}

static uint64_t resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%*u %llu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* By programs, or by simulated time where the run ends at one: whichever is further. */
static double fraction_done(const asim_progress *now)
{
    const double programs = now->programs_total ? (double)now->programs_done / (double)now->programs_total : 0;
    const double time = now->sim_end_s > 0 ? now->sim_time_s / now->sim_end_s : 0;
    const double done = programs > time ? programs : time;
    return done < 1 ? done : 1;
}

/* Seconds to the end at the rate of the later part of the run, half of it to three quarters: the beginning, before
 * programs end, is soon forgotten. Negative: not known yet. */
static double eta_s(struct progress *progress, const asim_progress *now)
{
    const struct progress_mark mark = {.wall_s = now->wall_s, .done = fraction_done(now)};
    if (mark.wall_s >= 2 * progress->marks[1].wall_s) {
        progress->marks[0] = progress->marks[1];
        progress->marks[1] = mark;
    }
    const struct progress_mark *since = &progress->marks[0];
    const double gained = mark.done - since->done;
    return gained > 0 && mark.done >= 0.01 ? (1 - mark.done) * (mark.wall_s - since->wall_s) / gained : -1;
}

static void show_json(FILE *out, const asim_progress *now, double eta)
{
    fprintf(out,
            "{\"programs_done\": %" PRIu64 ", \"programs_total\": %" PRIu64 ", \"turns_done\": %" PRIu64
            ", \"steps\": %" PRIu64 ", \"sim_time_s\": %.6f, \"wall_s\": %.3f, \"fraction_done\": %.6f, ",
            now->programs_done, now->programs_total, now->turns_done, now->steps, now->sim_time_s, now->wall_s,
            fraction_done(now));
    if (eta >= 0) {
        fprintf(out, "\"eta_s\": %.3f, ", eta);
    }
    fprintf(out, "\"rss_bytes\": %" PRIu64 "}\n", resident_bytes());
}

/* Appends to a line that may already be full. */
static void add(char line[LINE_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char line[LINE_BYTES], const char *format, ...)
{
    const size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, LINE_BYTES - used, format, args);
    va_end(args);
}

/* "42% of programs, ETA 12.0 s, 3.20 h simulated, 1234 x real time, 20.0 k turns/s, 5.10 M steps/s, RSS 80.0 MiB": the
 * first parts are those that a narrow terminal shows. A run is not at 100% before it is over. */
static void describe(char line[LINE_BYTES], const asim_progress *now, double eta)
{
    char text[HUMAN_BYTES];
    const double wall = now->wall_s > 0 ? now->wall_s : 1e-9;
    if (now->sim_end_s > 0) {
        add(line, "%d%%, ", (int)(100 * fraction_done(now)));
        add(line, "%s programs", human_count((int64_t)now->programs_done, text));
    } else if (now->programs_total) {
        add(line, "%d%% of ", (int)(100 * fraction_done(now)));
        add(line, "%s programs", human_count((int64_t)now->programs_total, text));
    } else {
        add(line, "%s programs", human_count((int64_t)now->programs_done, text));
    }
    if (eta >= 0) {
        add(line, ", ETA %s", human_duration(eta, text));
    }
    add(line, ", %s simulated", human_duration(now->sim_time_s, text));
    add(line, ", %s x real time", human_magnitude(now->sim_time_s / wall, text));
    add(line, ", %s turns/s", human_magnitude((double)now->turns_done / wall, text));
    add(line, ", %s steps/s", human_magnitude((double)now->steps / wall, text));
    add(line, ", RSS %s", human_size((double)resident_bytes(), text));
}

/* One line of the terminal, redrawn; what does not fit is left off. */
static void show_bar(FILE *out, const asim_progress *now, double eta)
{
    enum { CELLS = 16 };
    char line[LINE_BYTES] = "[................] ";
    memset(line + 1, '#', (size_t)(fraction_done(now) * CELLS));
    describe(line, now, eta);
    struct winsize window = {0};
    const bool known = ioctl(fileno(out), TIOCGWINSZ, &window) == 0 && window.ws_col > 1;
    fprintf(out, "\r\033[K%.*s", known ? window.ws_col - 1 : 79, line);
}

static void show_plain(FILE *out, const asim_progress *now, double eta)
{
    char line[LINE_BYTES] = "";
    describe(line, now, eta);
    fprintf(out, "%s\n", line);
}

void progress_show(void *user, const asim_progress *now)
{
    struct progress *progress = user;
    if (progress->mode == PROGRESS_SHOW_NONE) {
        return;
    }
    const double eta = eta_s(progress, now);
    if (now->wall_s < progress->next_wall_s) {
        return;
    }
    progress->next_wall_s = now->wall_s + timing[progress->mode].period;
    if (progress->mode == PROGRESS_SHOW_JSON) {
        show_json(progress->out, now, eta);
    } else if (progress->mode == PROGRESS_SHOW_PLAIN) {
        show_plain(progress->out, now, eta);
    } else {
        progress->shown = true;
        show_bar(progress->out, now, eta);
    }
    fflush(progress->out);
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", progress->out);
        fflush(progress->out);
        progress->shown = false;
    }
}
