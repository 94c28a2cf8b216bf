/*
 * A sorted view of an object's members. An annotation may hold some 40,000 of them:
 * comparing two such objects member by member would take seconds.
 */
#include "pkg/json/members.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

#define SMALL 16

static int compare_keys(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* Equal keys keep their order, which their addresses tell. */
static int compare(const void *left, const void *right)
{
	const struct json_member *a = *(const struct json_member *const *)left;
	const struct json_member *b = *(const struct json_member *const *)right;
	int order = compare_keys(a->key, a->key_len, b->key, b->key_len);
	return order ? order : (a > b) - (a < b);
}

struct members members_of(const struct json *object)
{
	struct members members = {object, NULL};
	if (object->count <= SMALL)
		return members;
	members.sorted = xmalloc(object->count * sizeof(*members.sorted));
	for (size_t i = 0; i < object->count; i++)
		members.sorted[i] = &object->members[i];
	qsort(members.sorted, object->count, sizeof(*members.sorted), compare);
	return members;
}

void members_release(struct members *members)
{
	free(members->sorted);
	members->sorted = NULL;
}

static const struct json_member *find_small(const struct json *object, const char *key,
					    size_t key_len)
{
	for (size_t i = object->count; i > 0; i--) {
		const struct json_member *m = &object->members[i - 1];
		if (m->key_len == key_len && memcmp(m->key, key, key_len) == 0)
			return m;
	}
	return NULL;
}

const struct json_member *members_find(const struct members *members, const char *key,
				       size_t key_len)
{
	if (!members->sorted)
		return find_small(members->object, key, key_len);
	/* low: how many sort before or equal. */
	size_t low = 0, high = members->object->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct json_member *m = members->sorted[middle];
		if (compare_keys(m->key, m->key_len, key, key_len) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	const struct json_member *m = low > 0 ? members->sorted[low - 1] : NULL;
	return m && compare_keys(m->key, m->key_len, key, key_len) == 0 ? m : NULL;
}
