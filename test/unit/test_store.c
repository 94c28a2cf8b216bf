/* The store: every race between the watch, whole lists and answers to own writes. */
#include <string.h>

#include "pkg/base/strbuf.h"
#include "pkg/kube/store.h"
#include "test/lib/test.h"

struct thing {
	struct object object;
	const char *target;
};

static struct object *thing(const char *name, uint64_t version, const char *uid, const char *target)
{
	struct thing *made = object_new(sizeof(*made));
	struct meta *meta = &made->object.meta;
	meta->ns = "ns";
	meta->name = arena_strdup(made->object.arena, name);
	meta->uid = arena_strdup(made->object.arena, uid);
	meta->version = version;
	made->target = arena_strdup(made->object.arena, target);
	return &made->object;
}

static const char *target_of(const struct object *object)
{
	return ((const struct thing *)object)->target;
}

/* "+a:1 a:1>2 -a:2 ": added, changed, deleted. */
static void note(void *ctx, const struct object *before, const struct object *after)
{
	struct strbuf *log = ctx;
	if (!before)
		strbuf_addf(log, "+%s:%d ", after->meta.name, (int)after->meta.version);
	else if (!after)
		strbuf_addf(log, "-%s:%d ", before->meta.name, (int)before->meta.version);
	else
		strbuf_addf(log, "%s:%d>%d ", after->meta.name, (int)before->meta.version,
			    (int)after->meta.version);
}

/* A script, one step a word, each a letter and what it needs:
 *   pNAME:V put    dNAME:V delete    aNAME:V answer
 *   ( begin  )V end  ! abort  kNAME keep  < rewind  C clear
 */
static void step(struct store *store, const char *word)
{
	char name[16] = "";
	unsigned long long version = 0;
	sscanf(word + 1, "%15[^:]:%llu", name, &version);
	switch (word[0]) {
	case 'p':
		store_put(store, thing(name, version, "u", NULL));
		break;
	case 'd':
		store_delete(store, "ns", name, version);
		break;
	case 'a':
		store_put_answer(store, thing(name, version, "u", NULL));
		break;
	case '(':
		store_replace_begin(store);
		break;
	case ')':
		sscanf(word + 1, "%llu", &version);
		store_replace_end(store, version);
		break;
	case '!':
		store_replace_abort(store);
		break;
	case 'k':
		store_replace_keep(store, "ns", name);
		break;
	case '<':
		store_replace_rewind(store);
		break;
	case 'C':
		store_clear(store);
		break;
	default:
		EXPECT(!"a known step");
	}
}

static void run_script(struct store *store, const char *script)
{
	char word[32];
	int used;
	for (const char *p = script; sscanf(p, "%31s%n", word, &used) == 1; p += used)
		step(store, word);
}

static bool add_object(void *ctx, struct object *object)
{
	strbuf_addf(ctx, "%s:%d ", object->meta.name, (int)object->meta.version);
	return true;
}

static const struct {
	const char *what, *script, *changes, *holds;
} races[] = {
    {"the watch in order", "pa:1 pa:2 da:3", "+a:1 a:1>2 -a:2 ", ""},
    {"the same version twice", "pa:1 pa:1 aa:1", "+a:1 ", "a:1 "},
    {"watch older than answer", "pa:1 aa:5 pa:3", "+a:1 a:1>5 ", "a:5 "},
    {"watch catches up with answer", "pa:1 aa:5 pa:5 pa:6", "+a:1 a:1>5 a:5>6 ", "a:6 "},
    {"answer older than watch", "pa:7 aa:5", "+a:7 ", "a:7 "},
    {"answer to a create before the watch", "( )1 aa:5 pa:5", "+a:5 ", "a:5 "},
    {"answer after watch delete", "pa:1 da:6 aa:5", "+a:1 -a:1 ", ""},
    {"answer of the deletion's own version", "pa:1 da:6 aa:6", "+a:1 -a:1 ", ""},
    {"answer to a create after a delete", "pa:1 da:6 aa:7", "+a:1 -a:1 +a:7 ", "a:7 "},
    {"answer known to be past by another's event", "pb:9 aa:5", "+b:9 ", "b:9 "},
    {"late delete of what was made again", "pa:1 aa:8 da:6", "+a:1 a:1>8 ", "a:8 "},
    {"delete of what an answer showed", "aa:8 da:9", "+a:8 -a:8 ", ""},
    {"a deletion that brings no version of its own", "pa:5 da:5", "+a:5 -a:5 ", ""},
    {"objects without versions", "( pa:0 )0 ab:0", "+a:0 +b:0 ", "a:0 b:0 "},
    {"delete of the unknown", "da:9 pb:10", "+b:10 ", "b:10 "},
    {"a list sweeps", "pa:1 pb:2 ( pb:2 pc:3 )4", "+a:1 +b:2 +c:3 -a:1 ", "b:2 c:3 "},
    {"a list spares newer answers", "( )4 aa:6 ( )5", "+a:6 ", "a:6 "},
    {"and sweeps what it must know", "( )4 aa:6 ( )6", "+a:6 -a:6 ", ""},
    {"answer during a list", "( pb:2 aa:6 )5", "+b:2 +a:6 ", "b:2 a:6 "},
    {"list older than an answer", "pa:3 aa:6 ( pa:3 )5", "+a:3 a:3>6 ", "a:6 "},
    {"a listed object answered meanwhile", "( pa:3 aa:4 )4", "+a:3 a:3>4 ", "a:4 "},
    {"aborted: nothing goes", "pa:1 pb:2 ( pb:3 ! pc:4", "+a:1 +b:2 b:2>3 +c:4 ", "a:1 b:3 c:4 "},
    {"a list after an aborted one", "pa:1 ( pb:2 ! ( pa:1 )5", "+a:1 +b:2 -b:2 ", "a:1 "},
    {"a lagging list brings nothing back", "pa:1 da:6 ( pa:1 )6", "+a:1 -a:1 ", ""},
    {"deleted while the list comes in", "( pa:1 pb:2 da:3 )3", "+a:1 +b:2 -a:1 ", "b:2 "},
    {"changed while the list comes in", "( pa:1 pa:3 )3", "+a:1 a:1>3 ", "a:3 "},
    {"answer put before a list's delete is swept", "( da:6 aa:5 )6", "+a:5 -a:5 ", ""},
    {"an unreadable one stays", "pa:1 ( ka )5", "+a:1 ", "a:1 "},
    {"an unreadable one that is not held", "( ka )5", "", ""},
    {"without rewind older ones are not taken", "pa:9 ( pa:3 pb:2 )4", "+a:9 ", "a:9 "},
    {"history went back", "pa:9 pc:8 ( < pa:3 pb:2 )4 aa:5 pb:6",
     "+a:9 +c:8 a:9>3 +b:2 -c:8 a:3>5 b:2>6 ", "a:5 b:6 "},
    {"rewind is over after an abort", "pa:9 ( < ! da:3", "+a:9 ", "a:9 "},
    {"rewind ends with its list", "pa:9 ( < ! ( pa:3 )9", "+a:9 ", "a:9 "},
    {"the API is gone", "pa:1 pb:2 C", "+a:1 +b:2 -a:1 -b:2 ", ""},
    {"and comes back, whatever its versions", "pa:8 C ( pa:2 )3 aa:4", "+a:8 -a:8 +a:2 a:2>4 ",
     "a:4 "},
    {"gone in the middle of a list", "( pa:1 C pa:2", "+a:1 -a:1 +a:2 ", "a:2 "},
};

TEST(store, in_every_order)
{
	for (size_t i = 0; i < ARRAY_SIZE(races); i++) {
		CLEANUP(strbuf_release) struct strbuf changes = STRBUF_INIT;
		CLEANUP(strbuf_release) struct strbuf holds = STRBUF_INIT;
		struct store_config config = {.changed = note, .ctx = &changes};
		struct store *store = store_new(&config);
		test_row("%s", races[i].what);
		run_script(store, races[i].script);
		store_each(store, add_object, &holds);
		EXPECT_TEXT(changes.buf, races[i].changes);
		EXPECT_TEXT(holds.buf, races[i].holds);
		store_free(store);
	}
	test_row("%s", "");
}

TEST(store, made_again_under_a_new_uid_is_one_change)
{
	CLEANUP(strbuf_release) struct strbuf changes = STRBUF_INIT;
	struct store_config config = {.changed = note, .ctx = &changes};
	struct store *store = store_new(&config);
	store_put(store, thing("a", 1, "old", NULL));
	store_replace_begin(store);
	store_put(store, thing("a", 5, "new", NULL));
	store_replace_end(store, 6);
	EXPECT_TEXT(changes.buf, "+a:1 a:1>5 ");
	EXPECT_TEXT(store_get(store, "ns", "a")->meta.uid, "new");
	/* The late deletion of the old one. */
	store_delete(store, "ns", "a", 4);
	EXPECT_TEXT(store_get(store, "ns", "a")->meta.uid, "new");
	store_free(store);
}

TEST(store, knows_how_far_it_knows)
{
	struct store *store = store_new(NULL);
	EXPECT(store_version(store) == 0);
	EXPECT(!store_synced(store));
	store_replace_begin(store);
	store_put(store, thing("a", 7, "u", NULL));
	EXPECT(store_version(store) == 0);
	EXPECT(!store_synced(store));
	store_replace_end(store, 9);
	EXPECT(store_version(store) == 9);
	EXPECT(store_synced(store));
	store_put_answer(store, thing("a", 12, "u", NULL));
	EXPECT(store_version(store) == 9);
	store_put(store, thing("b", 11, "u", NULL));
	EXPECT(store_version(store) == 11);
	store_delete(store, "ns", "b", 15);
	EXPECT(store_version(store) == 15);
	store_replace_begin(store);
	store_replace_abort(store);
	EXPECT(store_version(store) == 15);
	store_replace_begin(store);
	store_replace_rewind(store);
	store_replace_end(store, 3);
	EXPECT(store_version(store) == 3);
	store_clear(store);
	EXPECT(store_version(store) == 0);
	EXPECT(store_synced(store));
	store_free(store);
}

TEST(store, an_absent_api_counts_as_synced)
{
	struct store *store = store_new(NULL);
	store_clear(store);
	EXPECT(store_synced(store));
	EXPECT_INT(store_count(store), 0);
	store_free(store);
}

static void expect_indexed(const struct store *store, const char *text, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
	store_each_indexed(store, "ns", text, add_object, &got);
	EXPECT_TEXT(got.buf, want);
}

TEST(store, keeps_its_index)
{
	struct store_config config = {.index = target_of};
	struct store *store = store_new(&config);
	store_put(store, thing("a", 1, "u", "x"));
	store_put(store, thing("b", 2, "u", "x"));
	store_put(store, thing("c", 3, "u", "x"));
	store_put(store, thing("d", 4, "u", NULL));
	expect_indexed(store, "x", "a:1 b:2 c:3 ");
	store_put(store, thing("b", 5, "u", "y")); /* out of the middle */
	expect_indexed(store, "x", "a:1 c:3 ");
	expect_indexed(store, "y", "b:5 ");
	store_put(store, thing("c", 6, "u", NULL)); /* off the head */
	expect_indexed(store, "x", "a:1 ");
	store_put(store, thing("a", 7, "u", "x")); /* the same text again */
	expect_indexed(store, "x", "a:7 ");
	store_delete(store, "ns", "a", 8);
	expect_indexed(store, "x", "");
	store_put(store, thing("d", 9, "u", "y"));
	expect_indexed(store, "y", "b:5 d:9 ");
	store_put(store, thing("b", 3, "u", "z")); /* too old to count */
	expect_indexed(store, "z", "");
	store_clear(store);
	expect_indexed(store, "y", "");
	store_free(store);
}

static bool first_only(void *ctx, struct object *object)
{
	add_object(ctx, object);
	return false;
}

TEST(store, visits_until_told_to_stop)
{
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
	struct store_config config = {.index = target_of};
	struct store *store = store_new(&config);
	store_put(store, thing("a", 1, "u", "x"));
	store_put(store, thing("b", 2, "u", "x"));
	store_each(store, first_only, &got);
	store_each_indexed(store, "ns", "x", first_only, &got);
	store_each_indexed(store, "other", "x", first_only, &got);
	EXPECT_TEXT(got.buf, "a:1 a:1 ");
	store_free(store);
}

TEST(store, a_reference_outlives_the_entry)
{
	struct store *store = store_new(NULL);
	store_put(store, thing("a", 1, "u", NULL));
	struct object *held = object_ref(store_get(store, "ns", "a"));
	store_delete(store, "ns", "a", 2);
	EXPECT(!store_get(store, "ns", "a"));
	EXPECT_TEXT(held->meta.name, "a");
	EXPECT_INT(held->refs, 1);
	object_unref(held);
	store_free(store);
}

TEST(store, names_do_not_run_into_namespaces)
{
	struct store *store = store_new(NULL);
	store_put(store, thing("a", 1, "u", NULL));
	EXPECT(store_get(store, "ns", "a") != NULL);
	EXPECT(!store_get(store, "n", "s/a"));
	EXPECT(!store_get(store, "", "a"));
	EXPECT(!store_get(store, NULL, "ns/a"));
	store_free(store);
}

TEST(store, counts_its_memory)
{
	struct store_config config = {.index = target_of};
	struct store *store = store_new(&config);
	size_t empty = store_bytes(store);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "name-%05d", i);
		store_put(store, thing(name, (uint64_t)i + 1, "u", name));
	}
	size_t each = (store_bytes(store) - empty) / 1000;
	printf("\n    an empty object in an indexed store: %zu bytes\n", each);
	EXPECT_INT(store_count(store), 1000);
	EXPECT(each > sizeof(struct thing) && each < 512);
	store_clear(store);
	EXPECT(store_bytes(store) <= empty + 256);
	store_free(store);
}

TEST_MAIN(TEST_OF(store, in_every_order), TEST_OF(store, made_again_under_a_new_uid_is_one_change),
	  TEST_OF(store, knows_how_far_it_knows), TEST_OF(store, an_absent_api_counts_as_synced),
	  TEST_OF(store, keeps_its_index), TEST_OF(store, visits_until_told_to_stop),
	  TEST_OF(store, a_reference_outlives_the_entry),
	  TEST_OF(store, names_do_not_run_into_namespaces), TEST_OF(store, counts_its_memory))
