/* Texts of the API server, of webhooks and of KEDA, made fit for a condition. */
#ifndef HPA_MESSAGE_H
#define HPA_MESSAGE_H

#include "pkg/base/arena.h"

#define MESSAGE_MAX_BYTES 2048

/* A copy in which what differs from one try to the next is an ellipsis: UUIDs, times, addresses in
 * memory, local ports, resource versions; what looks like a credential is hidden (pkg/base/mask.h).
 * One line: control characters are a blank. At most
 * MESSAGE_MAX_BYTES, cut on a character. NULL counts as "". */
char *message_stable(struct arena *arena, const char *text);

#endif
