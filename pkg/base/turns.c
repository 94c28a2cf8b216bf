/*
 * A group is a namespace with somebody waiting; it is made with the first and goes with the last.
 */
#include "pkg/base/turns.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

struct turn_group {
	TAILQ_ENTRY(turn_group) link;
	TAILQ_HEAD(waiting, turn) waiting;
	char ns[];
};

void turns_init(struct turns *turns)
{
	turns->groups = table_new();
	TAILQ_INIT(&turns->order);
}

void turns_release(struct turns *turns)
{
	CHECK(TAILQ_EMPTY(&turns->order));
	table_free(turns->groups);
}

static struct turn_group *group_of(struct turns *turns, const char *key)
{
	size_t length = strcspn(key, "/");
	struct turn_group *group = xcalloc(1, sizeof(*group) + length + 1);
	struct turn_group *known;
	memcpy(group->ns, key, length);
	known = table_get(turns->groups, group->ns);
	if (known) {
		free(group);
		return known;
	}
	TAILQ_INIT(&group->waiting);
	table_set(turns->groups, group->ns, group);
	TAILQ_INSERT_TAIL(&turns->order, group, link);
	return group;
}

void turns_add(struct turns *turns, struct turn *turn, const char *key)
{
	CHECK(!turn->group);
	turn->group = group_of(turns, key);
	TAILQ_INSERT_TAIL(&turn->group->waiting, turn, link);
}

void turns_remove(struct turns *turns, struct turn *turn)
{
	struct turn_group *group = turn->group;
	if (!group)
		return;
	TAILQ_REMOVE(&group->waiting, turn, link);
	turn->group = NULL;
	if (!TAILQ_EMPTY(&group->waiting))
		return;
	TAILQ_REMOVE(&turns->order, group, link);
	table_remove(turns->groups, group->ns);
	free(group);
}

struct turn *turns_next(struct turns *turns)
{
	struct turn_group *group = TAILQ_FIRST(&turns->order);
	if (!group)
		return NULL;
	TAILQ_REMOVE(&turns->order, group, link);
	TAILQ_INSERT_TAIL(&turns->order, group, link);
	return TAILQ_FIRST(&group->waiting);
}
