/*
 * The buckets, the one not asked for longest first. A namespace's has '/' in its key, an object's
 * has none: both share one table and one bound.
 */
#include "pkg/kube/events_budget.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/pace.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/table.h"

#define BUCKETS_MAX 4096

static const struct pace_rate object_rate = {.burst = 25, .refill_ms = 5 * 60 * 1000};
static const struct pace_rate namespace_rate = {.burst = 50, .refill_ms = 80};
static const struct pace_rate process_rate = {.burst = 200, .refill_ms = 20};

struct bucket {
	TAILQ_ENTRY(bucket) link;
	struct pace pace;
	char key[];
};

struct event_budget {
	struct table *table;
	TAILQ_HEAD(buckets, bucket) oldest;
	struct pace process;
};

struct event_budget *event_budget_new(void)
{
	struct event_budget *budget = xcalloc(1, sizeof(*budget));
	budget->table = table_new();
	TAILQ_INIT(&budget->oldest);
	return budget;
}

static void forget_oldest(struct event_budget *budget)
{
	struct bucket *bucket = TAILQ_FIRST(&budget->oldest);
	TAILQ_REMOVE(&budget->oldest, bucket, link);
	table_remove(budget->table, bucket->key);
	free(bucket);
}

void event_budget_free(struct event_budget *budget)
{
	if (!budget)
		return;
	while (!TAILQ_EMPTY(&budget->oldest))
		forget_oldest(budget);
	table_free(budget->table);
	free(budget);
}

static struct bucket *find(struct event_budget *budget, const char *key)
{
	struct bucket *bucket = table_get(budget->table, key);
	if (bucket) {
		TAILQ_REMOVE(&budget->oldest, bucket, link);
	} else {
		size_t size = strlen(key) + 1;
		bucket = xcalloc(1, sizeof(*bucket) + size);
		memcpy(bucket->key, key, size);
		table_set(budget->table, key, bucket);
	}
	TAILQ_INSERT_TAIL(&budget->oldest, bucket, link);
	return bucket;
}

bool event_budget_take(struct event_budget *budget, const char *object, const char *ns,
		       int64_t now_ms)
{
	CLEANUP(strbuf_release) struct strbuf ns_key = STRBUF_INIT;
	strbuf_addf(&ns_key, "%s/", ns);
	struct bucket *of_object = find(budget, object), *of_ns = find(budget, ns_key.buf);
	bool left = pace_wait_ms(&of_object->pace, &object_rate, now_ms) == 0 &&
		    pace_wait_ms(&of_ns->pace, &namespace_rate, now_ms) == 0 &&
		    pace_take(&budget->process, &process_rate, now_ms);
	if (left) {
		pace_spend(&of_object->pace, &object_rate, now_ms);
		pace_spend(&of_ns->pace, &namespace_rate, now_ms);
	}
	while (table_count(budget->table) > BUCKETS_MAX)
		forget_oldest(budget);
	return left;
}

size_t event_budget_buckets(const struct event_budget *budget)
{
	return table_count(budget->table);
}
