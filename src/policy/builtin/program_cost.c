#include "policy/builtin/program_cost.h"

#include "policy/builtin/retention.h"

#include <math.h>

void program_cost_admitted(struct program_cost *cost, const struct asim_turn *turn, asim_time waited)
{
    if (!turn->preemptions) {
        running_mean_add(&cost->wait, (double)waited);
    }
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

double program_cost_benefit(const struct program_cost *cost, const struct asim_context *context, uint32_t toks)
{
    return running_mean_or(&cost->wait, 0.0) * program_cost_eta(cost) + (double)retention_reload(context, toks);
}
