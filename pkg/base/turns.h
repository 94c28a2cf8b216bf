/*
 * struct turns: those who wait, namespace by namespace: the namespaces that have somebody waiting
 * take turns, one each, and within a namespace it goes in the order of coming. So one that comes
 * with hundreds of keys costs another one key's wait, not hundreds.
 */
#ifndef BASE_TURNS_H
#define BASE_TURNS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "pkg/base/table.h"

struct turn_group;

/* Embedded in whoever waits. */
struct turn {
	TAILQ_ENTRY(turn) link;
	struct turn_group *group; /* NULL: does not wait */
};

struct turns {
	struct table *groups; /* by namespace; those with somebody waiting */
	TAILQ_HEAD(turn_groups, turn_group) order;
};

void turns_init(struct turns *turns);
void turns_release(struct turns *turns); /* nobody waits any more */
/* key: "ns/name", of which ns is the namespace; one without '/' is a namespace by itself. */
void turns_add(struct turns *turns, struct turn *turn, const char *key);
void turns_remove(struct turns *turns, struct turn *turn); /* fine if it does not wait */
/* Whose turn it is, NULL if nobody waits: its namespace goes behind all others. It waits on until
 * it is removed. */
struct turn *turns_next(struct turns *turns);

#endif
