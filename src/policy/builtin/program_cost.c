#include "policy/builtin/program_cost.h"

#include "policy/builtin/retention.h"

#include <math.h>

void program_cost_admitted(struct program_cost *cost, const struct asim_turn *turn, asim_time waited)
{
    if (!turn->preemptions && turn->turn && !turn->is_retained) {
        cost->waits[cost->n_waits++ % WAIT_WINDOW] = (double)waited;
    }
}

static double mean_wait(const struct program_cost *cost)
{
    const uint64_t n = cost->n_waits < WAIT_WINDOW ? cost->n_waits : WAIT_WINDOW;
    double sum = 0.0;
    for (uint64_t i = 0; i < n; i++) {
        sum += cost->waits[i];
    }
    return n ? sum / (double)n : 0.0;
}

void program_cost_ended(struct program_cost *cost, uint32_t turns)
{
    const double n = turns;
    const double sum = n * (n + 1.0) / 2.0;                       /* of k = 1..n */
    const double squares = n * (n + 1.0) * (2.0 * n + 1.0) / 6.0; /* of k * k */
    cost->turns.n += n;
    cost->turns.k += sum;
    cost->turns.r += sum - n;
    cost->turns.kk += squares;
    cost->turns.rr += squares - n * n;
    cost->turns.kr += n * sum - squares;
}

double program_cost_eta(const struct program_cost *cost)
{
    const struct turn_correlation *turns = &cost->turns;
    const double spread = (turns->n * turns->kk - turns->k * turns->k) * (turns->n * turns->rr - turns->r * turns->r);
    if (spread <= 0.0) {
        return 1.0;
    }
    const double eta = -(turns->n * turns->kr - turns->k * turns->r) / sqrt(spread);
    return eta > 0.0 ? eta : 0.0;
}

double program_cost_benefit(const struct program_cost *cost, double eta, const struct asim_context *context,
                            uint32_t toks)
{
    return mean_wait(cost) * eta + (double)retention_reload(context, toks);
}
