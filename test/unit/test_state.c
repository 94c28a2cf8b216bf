/*
 * What is shown to whoever looks in: everything in its place, bounded whatever the number of
 * revisions, no secrets, and nothing changed or sent by it.
 */
#include <time.h>

#include "pkg/base/log.h"
#include "reconciler/controller/state_internal.h"
#include "test/unit/shell_fixture.h"

static const struct state_query everything = {0};

static struct json *state_of(struct fixture *f, const struct state_query *query,
			     struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json_limits limits = {.max_bytes = 16u << 20, .max_depth = 32};
	struct json *out = NULL;

	controller_state(f->controller, query, &text);
	if (!json_parse(text.buf, text.len, &limits, arena, &out, &err))
		printf("%s\n%s\n", error_text(&err), text.buf);
	EXPECT(out);
	return out;
}

static const struct json *key_in(const struct json *state, const char *key)
{
	const struct json *keys = json_get(state, "keys");

	for (size_t i = 0; i < json_count(keys); i++) {
		if (strcmp(json_text_or(json_get(json_at(keys, i), "key"), ""), key) == 0)
			return json_at(keys, i);
	}
	return NULL;
}

static void expect_json(const struct json *value, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (value)
		json_write(value, &text);
	EXPECT_TEXT(text.buf, want);
}

TEST(state, its_parts)
{
	struct fixture f;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *state, *process;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "foreign", OTHER, TARGET("d"));
	put(&f, CACHE_CONFIG_KEDA, "system", "config-autoscaler-keda", "",
	    "'data':{'autoscaler.keda.prometheus-address':'http://user:pw@p:1/x?token=t'}");
	fake_clock_run(&f.clock, f.timers, 1500);
	state = state_of(&f, &everything, arena);
	process = json_get(state, "process");
	EXPECT_TEXT(json_text(json_get(process, "version")), AKH_VERSION);
	EXPECT_INT(json_int_or(json_get(process, "upMs"), 0), 1500);
	EXPECT_TEXT(json_text(json_get(process, "started")), "2026-01-01T00:00:00.000Z");
	EXPECT_TEXT(json_text(json_get(process, "now")), "2026-01-01T00:00:01.500Z");
	EXPECT(!json_bool_or(json_get(process, "ready"), true));
	EXPECT_INT(json_int_or(json_path(state, "queue", "waiting", NULL), 0), 1);
	EXPECT_INT(json_int_or(json_path(state, "queue", "oldestWaitingMs", NULL), 0), 1500);
	EXPECT_INT(json_count(json_get(state, "caches")), CACHE_COUNT);
	EXPECT_INT(json_int_or(json_get(json_at(json_get(state, "caches"), 0), "objects"), 0), 2);
	EXPECT_TEXT(json_text(json_get(json_at(json_get(state, "caches"), 0), "watch")),
		    "starting");
	EXPECT_INT(json_int_or(json_path(state, "client", "heldBackForMs", NULL), -1), 0);
	EXPECT_INT(json_int_or(json_path(state, "events", "sent", NULL), -1), 0);
	EXPECT_TEXT(json_text(json_path(state, "configuration", "config-autoscaler-keda",
					"prometheus-address", NULL)),
		    "http://(hidden)@p:1/x?(hidden)");
	expect_json(json_get(state, "keys"),
		    "[{\"key\":\"ns/a\",\"queue\":{\"place\":\"waiting\",\"lane\":\"fast\","
		    "\"sinceMs\":1500}}]");
	EXPECT_INT(json_int_or(json_get(state, "count"), 0), 1);
	EXPECT(!json_get(state, "truncated"));
	EXPECT(!json_get(state, "now"));
	teardown(&f);
}

TEST(state, of_the_client)
{
	struct fixture f;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct event_about about = {
	    .api_version = "v1", .kind = "X", .ns = "ns", .name = "n", .uid = "u"};

	setup(&f);
	kube_client_saw_date(f.client, FAKE_CLOCK_WALL + 9500);
	recorder_event(f.controller->recorder, &about, false, "Reason", "text");
	expect_json(json_get(state_of(&f, &everything, arena), "client"),
		    "{\"reads\":0,\"writes\":0,\"eventWrites\":1,\"waiting\":0,"
		    "\"heldBackForMs\":0,\"serverClockAheadMs\":10000}");
	f.transport.retry_after_ms = 7000;
	fake_answer(&f.transport, fake_find(&f.transport, "POST", "events"), 429, "");
	recorder_event(f.controller->recorder, &about, false, "Reason", "other");
	fake_clock_run(&f.clock, f.timers, 2000);
	expect_json(json_get(state_of(&f, &everything, arena), "client"),
		    "{\"reads\":0,\"writes\":0,\"eventWrites\":0,\"waiting\":1,"
		    "\"heldBackForMs\":5000,\"serverClockAheadMs\":10000}");
	teardown(&f);
}

TEST(state, addresses)
{
	static const struct {
		const char *address, *shown;
	} rows[] = {
	    {"http://p:9090", "http://p:9090"},
	    {"https://u:pw@p/a/b", "https://(hidden)@p/a/b"},
	    {"https://u@pw@p/a@b", "https://(hidden)@p/a@b"},
	    {"http://p/?token=x@y", "http://p/?(hidden)"},
	    {"http://u:p@h?x#y", "http://(hidden)@h?(hidden)"},
	    {"http://h#u:p@x", "http://h?(hidden)"},
	    {"u:p@h", "(hidden)@h"},
	    {"", ""},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_TEXT(address_shown(arena, rows[i].address), rows[i].shown);
}

static struct memo full_memo(void)
{
	return (struct memo){
	    .refused_hash = 1,
	    .refused_text = xstrdup("no"),
	    .refused_tries = 3,
	    .refused_next_ms = FAKE_CLOCK_WALL + 4000,
	    .unwritten_text = xstrdup("later"),
	    .fought_hash = 2,
	    .fought_tries = 1,
	    .fought_next_ms = FAKE_CLOCK_WALL,
	    .status_tries = 2,
	    .status_next_ms = FAKE_CLOCK_WALL,
	    .degraded_since_ms = FAKE_CLOCK_WALL,
	    .degraded_told = true,
	    .unknown_reason = xstrdup("WaitingForHPA"),
	    .unknown_since_ms = FAKE_CLOCK_WALL,
	};
}

#define AT_START "\"2026-01-01T00:00:00.000Z\""

TEST(state, what_is_remembered_of_a_key)
{
	struct fixture f;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *key;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS,
	    TARGET("d") ",'status':{'conditions':[{'type':'Active','status':'False',"
			"'reason':'NotOwned','message':'who is it','lastTransitionTime':"
			"'2026-01-01T00:00:00Z'}]}");
	key_state_for(f.controller, "ns/a")->memo = full_memo();
	key = key_in(state_of(&f, &everything, arena), "ns/a");
	expect_json(
	    json_get(key, "memo"),
	    "{\"refused\":{\"tries\":3,\"nextTry\":\"2026-01-01T00:00:04.000Z\",\"text\":"
	    "\"no\"},\"notWritten\":\"later\",\"changedByOthers\":{\"tries\":1,"
	    "\"nextTry\":" AT_START "},\"statusRefused\":{\"tries\":2,\"nextTry\":" AT_START
	    "},\"degraded\":{\"since\":" AT_START
	    ",\"eventRecorded\":true},\"unknown\":{\"reason\":\"WaitingForHPA\",\"since\":" AT_START
	    ",\"eventRecorded\":false}}");
	expect_json(json_get(key, "active"),
		    "{\"status\":\"False\",\"reason\":\"NotOwned\",\"message\":\"who is it\","
		    "\"since\":" AT_START "}");
	teardown(&f);
}

static void end_pass(struct fixture *f, const char *key, unsigned steps, const char *reason)
{
	const struct pass_outcome outcome = {
	    .done = steps ? 1U << STEP_CREATE_SKS | 1U << STEP_PATCH_STATUS : 0,
	    .steps = steps,
	    .failed = STEP_CREATE_SO,
	    .kind = ERROR_INVALID,
	    .error = "it is wrong",
	    .reason = reason,
	    .message = "",
	    .duration_ms = 7,
	};

	state_pass_ended(f->controller, key, &outcome, true);
}

TEST(state, what_was_decided_last)
{
	struct fixture f;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *state;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "b", OURS, TARGET("d"));
	end_pass(&f, "ns/b", 0, "");
	end_pass(&f, "ns/a", 3, "ScaledObjectRejected");
	fake_clock_run(&f.clock, f.timers, 2000);
	end_pass(&f, "ns/a", 0, "");
	state = state_of(&f, &everything, arena);
	EXPECT(!json_get(key_in(state, "ns/b"), "decided"));
	expect_json(json_get(key_in(state, "ns/a"), "decided"),
		    "{\"at\":" AT_START ",\"lookedAt\":\"2026-01-01T00:00:02.000Z\",\"tookMs\":7,"
		    "\"requests\":3,\"done\":[\"create-serverlessservice\","
		    "\"patch-podautoscaler-status\"],\"failed\":\"create-scaledobject\",\"kind\":"
		    "\"invalid\",\"error\":\"it is wrong\",\"retried\":true,\"reason\":"
		    "\"ScaledObjectRejected\"}");
	teardown(&f);
}

TEST(state, decisions_are_bounded_the_oldest_goes)
{
	struct fixture f;
	char key[32];

	setup(&f);
	for (int i = 0; i < 3 * DECIDED_MAX; i++) {
		snprintf(key, sizeof(key), "ns/a%d", i);
		end_pass(&f, key, 1, "R");
		end_pass(&f, "ns/often", 1, "R");
	}
	EXPECT_INT(table_count(f.controller->state->decided), DECIDED_MAX);
	EXPECT(table_get(f.controller->state->decided, "ns/often"));
	EXPECT(table_get(f.controller->state->decided, key));
	EXPECT(!table_get(f.controller->state->decided, "ns/a0"));
	teardown(&f);
}

TEST(state, long_texts_are_cut)
{
	struct fixture f;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *shown;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	for (int i = 0; i < 10000; i++)
		strbuf_addstr(&text, "\xe2\x82\xac");
	end_pass(&f, "ns/a", 1, text.buf);
	shown = json_text(
	    json_path(key_in(state_of(&f, &everything, arena), "ns/a"), "decided", "reason", NULL));
	EXPECT_INT(shown ? strlen(shown) : 0, STATE_TEXT_MAX);
	EXPECT(shown && !strstr(shown, "\xef\xbf\xbd")); /* U+FFFD: a character was split */
	teardown(&f);
}

TEST(state, narrowed)
{
	static const struct {
		struct state_query query;
		const char *want; /* keys */
	} rows[] = {
	    {{.ns = "ns"}, "ns/a ns/b "},
	    {{.ns = "n"}, ""},
	    {{.ns = ""}, ""},
	    {{.key = "ns/b"}, "ns/b "},
	    {{.key = "other/a"}, "other/a "},
	    {{.key = "ns/c"}, ""},
	    {{.key = "ns/foreign"}, ""},
	    {{.key = "ns"}, ""},
	    {{.key = "other/a", .ns = "ns"}, "other/a "},
	};
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "b", OURS, TARGET("d"));
	put(&f, CACHE_PA, "other", "a", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "foreign", OTHER, TARGET("d"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(strbuf_release) struct strbuf keys = STRBUF_INIT;
		const struct json *state = state_of(&f, &rows[i].query, arena);
		const struct json *list = json_get(state, "keys");

		for (size_t j = 0; j < json_count(list); j++)
			strbuf_addf(&keys, "%s ",
				    json_text_or(json_get(json_at(list, j), "key"), ""));
		test_row("%zu", i);
		EXPECT_TEXT(keys.buf, rows[i].want);
	}
	test_row("%s", "");
	teardown(&f);
}

/* ---- now ---- */

#define TRIGGERS                                                                                   \
	"'uid':'pa','annotations':{'autoscaling.knative.dev/class':"                               \
	"'hpa.autoscaling.knative.dev','autoscaling.knative.dev/keda-triggers':'["                 \
	"{\\'type\\':\\'rabbitmq\\',\\'metadata\\':{\\'host\\':\\'amqp://u:secret@h\\',"           \
	"\\'query\\':\\'secret\\',\\'value\\':\\'3\\'}},"                                          \
	"{\\'type\\':\\'prometheus\\',\\'metadata\\':{\\'serverAddress\\':"                        \
	"\\'http://u:secret@p\\',\\'customHeaders\\':\\'A=secret\\',\\'query\\':\\'up\\',"         \
	"\\'threshold\\':\\'2\\'}}]'}"

TEST(state, what_decide_says_now)
{
	struct fixture f;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct state_query query = {.key = "ns/a"};
	const struct json *now;
	size_t requests;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", TRIGGERS, TARGET("d"));
	requests = f.transport.count;
	controller_state(f.controller, &query, &text);
	now = json_get(state_of(&f, &query, arena), "now");
	EXPECT_TEXT(json_text(json_get(now, "step")), "create-serverlessservice");
	EXPECT(json_bool_or(json_get(now, "kedaInstalled"), false));
	EXPECT(!json_bool_or(json_get(now, "liveScaledObject"), true));
	expect_json(json_path(now, "scaledObject", "spec", "triggers", NULL),
		    "[{\"type\":\"rabbitmq\",\"metadata\":{\"host\":\"(hidden)\",\"query\":"
		    "\"(hidden)\",\"value\":\"3\"}},{\"type\":\"prometheus\",\"metadata\":{"
		    "\"serverAddress\":\"http://(hidden)@p\",\"customHeaders\":\"(hidden)\","
		    "\"query\":\"up\",\"threshold\":\"2\"}}]");
	EXPECT(!strstr(text.buf, "secret"));
	/* Nothing came of it. */
	fake_clock_run(&f.clock, f.timers, 100);
	EXPECT_INT(f.transport.count, requests);
	EXPECT(!table_get(f.controller->states, "ns/a"));
	expect_keys(&f, "ns/a");
	teardown(&f);
}

/* ---- many ---- */

#define REVISIONS 10000

static void put_many(struct fixture *f)
{
	char name[32];

	for (int i = 0; i < REVISIONS; i++) {
		snprintf(name, sizeof(name), "revision-%05d", i);
		put(f, CACHE_PA, "ns", name, OURS,
		    TARGET("d") ",'status':{'conditions':[{'type':'Active','status':'False',"
				"'reason':'NotOwned','message':'There is an existing ScaledObject "
				"of that name that we do not own.'}]}");
	}
}

TEST(state, of_many_revisions_is_bounded)
{
	struct fixture f;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *state;
	char key[32], words[STATE_TEXT_MAX + 1];
	clock_t before;

	setup(&f);
	put_many(&f);
	memset(words, 'w', STATE_TEXT_MAX);
	words[STATE_TEXT_MAX] = '\0';
	for (int i = 0; i < DECIDED_MAX; i++) {
		snprintf(key, sizeof(key), "ns/revision-%05d", i);
		key_state_for(f.controller, key)->memo = full_memo();
		end_pass(&f, key, 1, words);
	}
	before = clock();
	controller_state(f.controller, &everything, &text);
	printf("%d revisions: %zu bytes, %ld ms of CPU\n", REVISIONS, text.len,
	       (long)((clock() - before) * 1000 / CLOCKS_PER_SEC));
	EXPECT(text.len < (size_t)2 << 20);
	state = state_of(&f, &everything, arena);
	EXPECT_INT(json_count(json_get(state, "keys")), STATE_KEYS_MAX);
	EXPECT_INT(json_int_or(json_get(state, "count"), 0), REVISIONS);
	EXPECT_INT(json_int_or(json_get(state, "truncated"), 0), REVISIONS - STATE_KEYS_MAX);
	teardown(&f);
}

TEST(state, busy_ones_come_first)
{
	struct fixture f;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *keys;
	const char *key;

	setup(&f);
	put_many(&f);
	while ((key = queue_take(f.controller->queue))) {
		if (strcmp(key, "ns/revision-09999") == 0)
			queue_add_failed(f.controller->queue, key);
		queue_done(f.controller->queue, key);
	}
	keys = json_get(state_of(&f, &everything, arena), "keys");
	EXPECT_TEXT(json_text(json_get(json_at(keys, 0), "key")), "ns/revision-09999");
	EXPECT_INT(json_int_or(json_path(json_at(keys, 0), "queue", "failures", NULL), 0), 1);
	EXPECT(!json_get(json_at(keys, 1), "queue"));
	teardown(&f);
}

/* ---- log lines ---- */

struct lines {
	unsigned all, caches, keys, told;
	char last[2048];
};

static void count(void *ctx, const char *line, size_t length)
{
	struct lines *lines = ctx;

	lines->all++;
	lines->caches += strstr(line, "\"state of a cache\"") != NULL;
	lines->keys += strstr(line, "\"state of a key\"") != NULL;
	lines->told += strstr(line, "\"state told\"") != NULL;
	snprintf(lines->last, sizeof(lines->last), "%.*s", (int)length, line);
}

static void listen_to(struct fixture *f, struct lines *lines)
{
	*lines = (struct lines){0};
	log_setup(&f->clock.clock, NULL, count, lines);
	log_set_level(LOG_ERROR); /* of no account here */
}

static void listen_no_more(struct fixture *f)
{
	teardown(f);
	log_set_level(LOG_INFO);
	log_setup(&system_clock, NULL, NULL, NULL);
}

TEST(state, as_log_lines_is_bounded_and_lets_the_loop_go_on)
{
	struct fixture f;
	struct lines lines;

	setup(&f);
	put_many(&f);
	listen_to(&f, &lines);
	controller_log_state(f.controller);
	EXPECT_INT(lines.all, 1 + CACHE_COUNT);
	EXPECT_INT(lines.caches, CACHE_COUNT);
	/* A round of the loop is 25 keys. */
	timers_run(f.timers);
	EXPECT_INT(lines.keys, 25);
	controller_log_state(f.controller); /* passed over */
	EXPECT_INT(lines.caches, CACHE_COUNT);
	fake_clock_run(&f.clock, f.timers, 1000);
	EXPECT_INT(lines.keys, STATE_KEYS_MAX);
	EXPECT_INT(lines.told, 1);
	EXPECT_CONTAINS(lines.last, "\"keys\":1000,\"more\":9000");
	controller_log_state(f.controller);
	EXPECT_INT(lines.caches, 2 * CACHE_COUNT);
	listen_no_more(&f); /* in the midst of it */
}

TEST(state, as_log_lines_leaves_out_those_that_are_well)
{
	struct fixture f;
	struct lines lines;
	const char *key;

	setup(&f);
	put(&f, CACHE_PA, "ns", "well", OURS,
	    TARGET("d") ",'status':{'conditions':[{'type':'Active','status':'True'}]}");
	put(&f, CACHE_PA, "ns", "idle", OURS,
	    TARGET("d") ",'status':{'conditions':[{'type':'Active','status':'False',"
			"'reason':'NoTraffic'}]}");
	put(&f, CACHE_PA, "ns", "later", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "degraded", OURS, TARGET("d"));
	put(&f, CACHE_PA, "ns", "failing", OURS, TARGET("d"));
	while ((key = queue_take(f.controller->queue))) {
		if (strcmp(key, "ns/failing") == 0)
			queue_add_failed_after(f.controller->queue, key, 60000);
		if (strcmp(key, "ns/later") == 0)
			queue_add_after(f.controller->queue, key, 60000);
		queue_done(f.controller->queue, key);
	}
	key_state_for(f.controller, "ns/degraded")->memo.degraded_since_ms = 1;
	listen_to(&f, &lines);
	controller_log_state(f.controller);
	fake_clock_run(&f.clock, f.timers, 10);
	EXPECT_INT(lines.keys, 2);
	EXPECT_CONTAINS(lines.last, "\"keys\":2,\"more\":0");
	listen_no_more(&f);
}

TEST_MAIN(TEST_OF(state, its_parts), TEST_OF(state, of_the_client), TEST_OF(state, addresses),
	  TEST_OF(state, what_is_remembered_of_a_key), TEST_OF(state, what_was_decided_last),
	  TEST_OF(state, decisions_are_bounded_the_oldest_goes), TEST_OF(state, long_texts_are_cut),
	  TEST_OF(state, narrowed), TEST_OF(state, what_decide_says_now),
	  TEST_OF(state, of_many_revisions_is_bounded), TEST_OF(state, busy_ones_come_first),
	  TEST_OF(state, as_log_lines_is_bounded_and_lets_the_loop_go_on),
	  TEST_OF(state, as_log_lines_leaves_out_those_that_are_well))
