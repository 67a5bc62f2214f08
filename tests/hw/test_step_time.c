#include "support/support.h"

#include "base/rng.h"
#include "hw/kernel_model.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct device device;
    struct model_shape model;
    struct step_time_options options;
    struct step_time *steps;
};

static void setup(struct fixture *fixture, const char *device, const char *model, uint32_t tp)
{
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(device_load(device, &fixture->device, &diag), ASIM_OK);
    assert_int_equal(model_load(model, &fixture->model, &diag), ASIM_OK);
    fixture->options = (struct step_time_options){.device = &fixture->device,
                                                  .model = &fixture->model,
                                                  .tensor_parallel = tp,
                                                  .max_num_seqs = 256,
                                                  .max_num_batched_tokens = 8192};
    fixture->steps = step_time_create(&fixture->options, &diag);
    assert_non_null(fixture->steps);
    diag_fini(&diag);
}

static simtime parts(const struct step_cost *cost)
{
    simtime sum = 0;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        assert_true(cost->part[i] >= 0);
        sum += cost->part[i];
    }
    return sum;
}

/* Pieces cover all contexts without gap; at every knot the function meets the next piece from below, by less than a
 * picosecond per token and one more step; parts sum to the base. */
static void pieces_are_whole_and_continuous(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, "h100-sxm", "llama-3.1-8b", 1);
    const uint32_t sequences[] = {1, 2, 3, 7, 64, 255, 256};
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        uint64_t at = 0;
        int n = 0;
        for (const struct decode_piece *piece = NULL; !piece || piece->to != UINT64_MAX; n++) {
            piece = step_time_decode(f.steps, sequences[i], at);
            assert_true(piece->from == at && piece->to > at && piece->slope >= 0);
            const struct step_cost base = {.part = {piece->part[0], piece->part[1], piece->part[2], piece->part[3]}};
            assert_true(parts(&base) == piece->base);
            if (piece->to != UINT64_MAX) {
                assert_ptr_equal(step_time_decode(f.steps, sequences[i], piece->to - 1), piece);
                const simtime length = (simtime)(piece->to - piece->from);
                const simtime gap =
                    step_time_decode(f.steps, sequences[i], piece->to)->base - (piece->base + piece->slope * length);
                assert_true(gap >= 0 && gap < length);
            }
            at = piece->to;
        }
        assert_true(n >= 50);
    }
    step_time_destroy(f.steps);
}

/* step_time_batch of decodes is the decode function, to the picosecond, and its parts sum. */
static void batch_of_decodes_is_the_decode_function(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, "rtx-pro-6000", "qwen3-32b", 2);
    for (uint32_t i = 0; i < 20000; i++) {
        const uint64_t bits = rng_u64((struct rng_key){.seed = 2}, i);
        const uint32_t n = 1 + (uint32_t)(bits % 256);
        const uint64_t context = (bits >> 24) >> (bits % 40);
        const struct batch_shape shape = {.n_decode = n, .decode_context = context};
        const struct step_cost cost = step_time_batch(f.steps, &shape);
        const struct decode_piece *piece = step_time_decode(f.steps, n, context);
        assert_true(piece->from <= context && (context < piece->to || piece->to == UINT64_MAX));
        assert_true(cost.total == piece->base + piece->slope * (simtime)(context - piece->from));
        assert_true(parts(&cost) == cost.total);
        assert_true(cost.part[STEP_HOST] == 0 && cost.part[STEP_LINK] > 0);
    }
    step_time_destroy(f.steps);
}

/* The knots are dense enough: between them the line is within half a percent of the model itself. */
static void interpolation_is_close(void **state)
{
    (void)state;
    const char *const *devices = device_names();
    for (int d = 0; devices[d]; d++) {
        struct fixture f;
        setup(&f, devices[d], "llama-3.1-8b", 1);
        struct diag diag;
        diag_init(&diag);
        struct kernel_model *direct = tile_model_create(&f.options, &diag);
        double worst = 0.0;
        for (uint32_t i = 0; i < 4000; i++) {
            const uint64_t bits = rng_u64((struct rng_key){.seed = 3}, i);
            const uint32_t n = 1 + (uint32_t)(bits % 256);
            const double mean = exp2(21.0 * (double)(bits >> 40) / (double)(1 << 24));
            const struct batch_shape shape = {.n_decode = n, .decode_context = (uint64_t)(n * mean)};
            double part_us[STEP_BOUNDS];
            direct->ops->cost(direct, &shape, part_us);
            const double us = part_us[0] + part_us[1] + part_us[2] + part_us[3];
            worst = fmax(worst, fabs((double)step_time_batch(f.steps, &shape).total / 1e6 / us - 1.0));
        }
        print_message("%s: worst interpolation error %.3f %%\n", devices[d], 100 * worst);
        assert_true(worst < 0.005);
        direct->ops->destroy(direct);
        diag_fini(&diag);
        step_time_destroy(f.steps);
    }
}

/* More context, more sequences, more new tokens: never cheaper. A fuller tile or wave may be used better, hence the
 * allowance for tokens. */
static void grows(void **state)
{
    (void)state;
    const char *const *devices = device_names();
    for (int d = 0; devices[d]; d++) {
        struct fixture f;
        setup(&f, devices[d], "llama-3.1-8b", 1);
        for (uint32_t n = 1; n <= 256; n += 15) {
            simtime last = 0;
            for (uint64_t mean = 1; mean < (1 << 22); mean += 1 + mean / 7) {
                const struct batch_shape shape = {.n_decode = n, .decode_context = n * mean};
                const simtime total = step_time_batch(f.steps, &shape).total;
                assert_true(total >= last);
                last = total;
            }
        }
        for (uint32_t context = 0; context <= 65536; context = context * 4 + 1024) {
            double last = 0.0;
            for (uint32_t tokens = 2; tokens <= 8000; tokens += 1 + tokens / 9) {
                const struct prefill_chunk chunk = {.tokens = tokens, .context = context, .sampled = 1};
                const struct batch_shape shape = {
                    .n_decode = 16, .decode_context = 16 * 3000, .n_chunks = 1, .chunks = &chunk};
                const struct step_cost cost = step_time_batch(f.steps, &shape);
                assert_true(parts(&cost) == cost.total);
                assert_true((double)cost.total >= 0.95 * last);
                last = (double)cost.total;
            }
        }
        step_time_destroy(f.steps);
    }
}

/* The order of questions does not show in the answers. */
static void order_does_not_matter(void **state)
{
    (void)state;
    struct fixture forward;
    struct fixture backward;
    setup(&forward, "h100-sxm", "llama-3.1-8b", 2);
    setup(&backward, "h100-sxm", "llama-3.1-8b", 2);
    enum { N = 500 };
    static struct step_cost answers[N];
    static struct prefill_chunk chunks[N];
    static struct batch_shape shapes[N];
    for (uint32_t i = 0; i < N; i++) {
        const uint64_t bits = rng_u64((struct rng_key){.seed = 4}, i);
        chunks[i] = (struct prefill_chunk){
            .tokens = 1 + (uint32_t)(bits % 7000), .context = (uint32_t)(bits >> 20) % 50000, .sampled = bits >> 63};
        shapes[i] = (struct batch_shape){.n_decode = 1 + (uint32_t)(bits >> 13) % 200,
                                         .decode_context = bits >> 40,
                                         .n_chunks = (uint32_t)(bits >> 62) & 1,
                                         .chunks = &chunks[i]};
        answers[i] = step_time_batch(forward.steps, &shapes[i]);
    }
    for (uint32_t i = N; i-- > 0;) {
        const struct step_cost again = step_time_batch(backward.steps, &shapes[i]);
        assert_memory_equal(&again, &answers[i], sizeof again);
    }
    step_time_destroy(forward.steps);
    step_time_destroy(backward.steps);
}

struct reader {
    struct step_time *steps;
    uint64_t sum;
};

static void *read_all(void *argument)
{
    struct reader *reader = argument;
    for (uint32_t n = 1; n <= 256; n++) {
        const struct prefill_chunk chunk = {.tokens = 4 * n, .context = 100, .sampled = 1};
        const struct batch_shape shape = {.n_decode = n, .decode_context = 500 * n, .n_chunks = 1, .chunks = &chunk};
        reader->sum = reader->sum * 31 + (uint64_t)step_time_batch(reader->steps, &shape).total;
        reader->sum = reader->sum * 31 + (uint64_t)step_time_decode(reader->steps, n, 777 * n)->base;
    }
    return NULL;
}

static void threads_share_a_model(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, "h100-sxm", "llama-3.1-8b", 1);
    struct reader readers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        readers[i] = (struct reader){.steps = f.steps};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(readers[i].sum == readers[0].sum);
    }
    step_time_destroy(f.steps);
}

/* A model with round numbers: 10 us, 2 us of memory per token of mean context up to 100, and 3 us of link that fall to
 * half between means of 100 and 200. */
static void toy_cost(struct kernel_model *model, const struct batch_shape *shape, double part_us[STEP_BOUNDS])
{
    (void)model;
    const double mean = shape->n_decode ? (double)shape->decode_context / shape->n_decode : 0.0;
    part_us[STEP_COMPUTE] = 10.0;
    part_us[STEP_HBM] = mean < 100.0 ? 2.0 * mean : 200.0;
    part_us[STEP_LINK] = mean <= 100.0 ? 3.0 : mean < 200.0 ? 3.0 - 0.015 * (mean - 100.0) : 1.5;
    part_us[STEP_HOST] = 0.0;
}

static uint32_t toy_knots(struct kernel_model *model, uint32_t n_decode, const double **knots)
{
    static const double list[] = {0.0, 0.1, 100.0, 200.0, 300.0};
    (void)model;
    (void)n_decode;
    *knots = list;
    return 5;
}

static uint32_t coarse_knots(struct kernel_model *model, uint32_t n_decode, const double **knots)
{
    static const double list[] = {0.0, 400.0};
    (void)model;
    (void)n_decode;
    *knots = list;
    return 2;
}

static void toy_destroy(struct kernel_model *model)
{
    (void)model;
}

static const struct kernel_model_ops toy_ops = {.destroy = toy_destroy, .decode_knots = toy_knots, .cost = toy_cost};

/* Knots closer than a token fall together; a falling model gives a flat piece and then its own value; the last piece
 * goes on. A bend that the knots miss is found. */
static void pieces_of_a_known_function(void **state)
{
    (void)state;
    struct kernel_model toy = {.ops = &toy_ops};
    struct step_time *steps = step_time_over(&toy, 2);
    const struct decode_piece *piece = step_time_decode(steps, 2, 1);
    assert_true(piece->from == 1 && piece->to == 200);
    assert_true(piece->base == 14 * SIMTIME_US && piece->slope == SIMTIME_US && piece->slope_bound == STEP_HBM);
    piece = step_time_decode(steps, 2, 200);
    assert_true(piece->from == 200 && piece->to == 400 && piece->base == 213 * SIMTIME_US && piece->slope == 0);
    piece = step_time_decode(steps, 2, 400);
    assert_true(piece->to == UINT64_MAX && piece->base == 211500 * SIMTIME_NS && piece->slope == 0);
    assert_ptr_equal(step_time_decode(steps, 2, UINT64_MAX), piece);
    assert_ptr_equal(step_time_decode(steps, 2, 1000000), piece);
    const struct kernel_model_ops coarse_ops = {.destroy = toy_destroy, .decode_knots = coarse_knots, .cost = toy_cost};
    struct kernel_model coarse = {.ops = &coarse_ops};
    struct step_time *refined = step_time_over(&coarse, 1);
    for (uint64_t context = 1; context < 500; context++) {
        const struct batch_shape shape = {.n_decode = 1, .decode_context = context};
        double part_us[STEP_BOUNDS];
        toy_cost(&coarse, &shape, part_us);
        const double us = part_us[0] + part_us[1] + part_us[2];
        assert_float_equal((double)step_time_batch(refined, &shape).total / 1e6, us, 6.0);
    }
    step_time_destroy(refined);
    step_time_destroy(steps);
}

static void destroy_nothing(void **state)
{
    (void)state;
    step_time_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_whole_and_continuous), cmocka_unit_test(batch_of_decodes_is_the_decode_function),
        cmocka_unit_test(interpolation_is_close),          cmocka_unit_test(grows),
        cmocka_unit_test(order_does_not_matter),           cmocka_unit_test(threads_share_a_model),
        cmocka_unit_test(pieces_of_a_known_function),      cmocka_unit_test(destroy_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
