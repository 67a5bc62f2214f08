#include "pdes/mailbox.h"

#include "base/mem.h"
#include "pdes/lines.h"

#include <string.h>

struct lane {
    _Alignas(LINE_BYTES) unsigned char *messages;
    size_t n;
    size_t capacity;
};

/* Which lane of each pair a party puts into; to take is to read those lanes and go over to the others. */
struct party {
    _Alignas(LINE_BYTES) uint32_t side;
};

struct mailbox {
    uint32_t n_parties;
    size_t message_bytes;
    struct party *parties;
    struct lane *lanes[2]; /* [to * n_parties + from]: a party's incoming lanes lie side by side */
};

struct mailbox *mailbox_create(uint32_t n_parties, size_t message_bytes)
{
    struct mailbox *box = mem_zalloc(sizeof *box);
    box->n_parties = n_parties;
    box->message_bytes = message_bytes;
    box->parties = lines_zalloc(n_parties * sizeof *box->parties);
    for (uint32_t side = 0; side < 2; side++) {
        box->lanes[side] = lines_zalloc((size_t)n_parties * n_parties * sizeof *box->lanes[side]);
    }
    return box;
}

void mailbox_destroy(struct mailbox *box)
{
    if (!box) {
        return;
    }
    for (uint32_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < (size_t)box->n_parties * box->n_parties; i++) {
            mem_free(box->lanes[side][i].messages);
        }
        mem_free(box->lanes[side]);
    }
    mem_free(box->parties);
    mem_free(box);
}

void mailbox_put(struct mailbox *box, uint32_t from, uint32_t to, const void *message)
{
    struct lane *lane = &box->lanes[box->parties[from].side][(size_t)to * box->n_parties + from];
    if (lane->n == lane->capacity) {
        lane->messages = mem_grow(lane->messages, &lane->capacity, lane->n + 1, box->message_bytes);
    }
    memcpy(lane->messages + lane->n * box->message_bytes, message, box->message_bytes);
    lane->n++;
}

void mailbox_take(struct mailbox *box, uint32_t to, void (*visit)(void *argument, void *messages, size_t n),
                  void *argument)
{
    const uint32_t side = box->parties[to].side;
    box->parties[to].side = 1 - side;
    struct lane *lanes = box->lanes[side] + (size_t)to * box->n_parties;
    for (uint32_t from = 0; from < box->n_parties; from++) {
        const size_t n = lanes[from].n;
        if (n) {
            lanes[from].n = 0; /* its writer puts here again only after the next meeting */
            visit(argument, lanes[from].messages, n);
        }
    }
}
