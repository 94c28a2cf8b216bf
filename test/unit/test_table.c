/* pkg/base/table.h, hash.h and intern.h. */
#include <string.h>

#include "pkg/base/hash.h"
#include "pkg/base/intern.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/table.h"
#include "test/lib/test.h"

TEST(hash, is_fnv_1a)
{
	/* Published test vectors of FNV-1a 64. */
	EXPECT_INT(hash_bytes(HASH_SEED, "", 0), UINT64_C(0xcbf29ce484222325));
	EXPECT_INT(hash_bytes(HASH_SEED, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
	EXPECT_INT(hash_bytes(HASH_SEED, "foobar", 6), UINT64_C(0x85944171f73967e8));
	uint64_t apart = hash_text(hash_text(HASH_SEED, "a"), "b");
	EXPECT(apart != hash_text(HASH_SEED, "ab"));
	EXPECT_INT(hash_text(HASH_SEED, "a"), hash_bytes(HASH_SEED, "a", 2));
}

static char values[] = "0123456789";

TEST(table, sets_gets_removes)
{
	struct table *table = table_new();
	char key[] = "key";
	EXPECT(table_get(table, "key") == NULL);
	EXPECT(table_remove(table, "key") == NULL);
	EXPECT(table_set(table, key, &values[1]) == NULL);
	key[0] = 'X';
	EXPECT(table_get(table, "key") == &values[1]);
	EXPECT_TEXT(table_key(table, "key"), "key");
	EXPECT(table_key(table, "Xey") == NULL);
	const char *stored = NULL;
	EXPECT(table_slot(table, "Xey", &stored) == NULL);
	void **slot = table_slot(table, "key", &stored);
	EXPECT(slot && *slot == &values[1] && stored == table_key(table, "key"));
	if (slot)
		*slot = &values[4];
	EXPECT(table_set(table, "key", &values[1]) == &values[4]);
	EXPECT(table_set(table, "key", &values[2]) == &values[1]);
	EXPECT(table_set(table, "", &values[3]) == NULL);
	EXPECT_INT(table_count(table), 2);
	EXPECT(table_get(table, "") == &values[3]);
	EXPECT(table_remove(table, "key") == &values[2]);
	EXPECT_INT(table_count(table), 1);
	table_free(table);
	table_free(NULL);
}

struct walk {
	struct table *table;
	struct strbuf seen;
	size_t stop_after;
	bool remove;
};

static bool step(void *ctx, const char *key, void *value UNUSED)
{
	struct walk *walk = ctx;
	strbuf_addf(&walk->seen, "%s ", key);
	if (walk->remove && strlen(key) == 2)
		table_remove(walk->table, key);
	return walk->seen.len < walk->stop_after;
}

TEST(table, walks_in_order_and_lets_the_entry_go)
{
	struct walk walk = {table_new(), STRBUF_INIT, 1000, true};
	static const char *const keys[] = {"c", "aa", "b", "dd", "a"};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		table_set(walk.table, keys[i], &values[i]);
	table_each(walk.table, step, &walk);
	EXPECT_TEXT(walk.seen.buf, "c aa b dd a ");
	strbuf_reset(&walk.seen);
	table_each(walk.table, step, &walk);
	EXPECT_TEXT(walk.seen.buf, "c b a ");
	strbuf_reset(&walk.seen);
	walk.stop_after = 4;
	table_each(walk.table, step, &walk);
	EXPECT_TEXT(walk.seen.buf, "c b ");
	strbuf_release(&walk.seen);
	table_free(walk.table);
}

static bool remove_it(void *ctx, const char *key, void *value UNUSED)
{
	struct walk *walk = ctx;
	walk->stop_after++;
	table_remove(walk->table, key);
	return true;
}

TEST(table, counts_its_memory)
{
	struct table *table = table_new();
	size_t empty = table_bytes(table);
	char key[32];
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "namespace/name-%d", i);
		table_set(table, key, values);
	}
	EXPECT_INT(table_count(table), 5000);
	EXPECT(table_bytes(table) > empty + 5000 * sizeof("namespace/name-"));
	EXPECT(table_get(table, "namespace/name-4999") == values);
	struct walk walk = {table, STRBUF_INIT, 0, true};
	table_each(table, remove_it, &walk);
	EXPECT_INT(walk.stop_after, 5000);
	EXPECT_INT(table_count(table), 0);
	EXPECT_INT(table_bytes(table), empty);
	table_free(table);
}

TEST(intern, shares_and_counts)
{
	char text[] = "default";
	EXPECT(intern_ref(NULL) == NULL);
	intern_unref(NULL);
	EXPECT_INT(intern_bytes(), 0);
	const char *a = intern_ref(text);
	text[0] = 'D';
	const char *b = intern_ref("default");
	const char *c = intern_ref("other");
	EXPECT(a == b);
	EXPECT(a != c);
	EXPECT_TEXT(a, "default");
	EXPECT(intern_bytes() > 0);
	intern_unref(a);
	EXPECT_TEXT(b, "default");
	EXPECT(intern_ref("default") == b);
	intern_unref(b);
	intern_unref(b);
	intern_unref(c);
	EXPECT_INT(intern_bytes(), 0);
}

TEST_MAIN(TEST_OF(hash, is_fnv_1a), TEST_OF(table, sets_gets_removes),
	  TEST_OF(table, walks_in_order_and_lets_the_entry_go), TEST_OF(table, counts_its_memory),
	  TEST_OF(intern, shares_and_counts))
