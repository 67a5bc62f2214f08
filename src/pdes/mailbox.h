/* Messages of one size between the n parties of a team, passed from window to window.
 *
 * A lane leads from each party to each, and only its two ends touch it. Lanes come in pairs, used in turn, so that one
 * meeting a window suffices:
 *
 *     meet; take (once a party); put ...; meet; take; put ...
 *
 * What is put before a meeting is taken after it, from all parties in their order, and from one in the order of
 * putting. Each party takes exactly once between two meetings and before it puts anything. Before the first meeting
 * parties may put without having taken.
 *
 * Lanes keep their memory, so a steady exchange allocates nothing.
 */
#ifndef ASIM_PDES_MAILBOX_H
#define ASIM_PDES_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

struct mailbox;

struct mailbox *mailbox_create(uint32_t n_parties, size_t message_bytes);
void mailbox_destroy(struct mailbox *box);

/* Copies the message. */
void mailbox_put(struct mailbox *box, uint32_t from, uint32_t to, const void *message);

/* Calls visit(argument, messages, n) with what each party has put for `to`, n > 0 messages one after another. The
 * messages may be changed in place and stay valid until `to` takes again. */
void mailbox_take(struct mailbox *box, uint32_t to, void (*visit)(void *argument, void *messages, size_t n),
                  void *argument);

#endif
