/*
 * The log of the whole controller in the simulated world: one line a decision, each write told in
 * exactly one of them, nothing while nothing happens, and no secret at any level.
 */
#include <string.h>

#include "pkg/base/log.h"
#include "pkg/base/strbuf.h"
#include "pkg/base/table.h"
#include "pkg/json/json.h"
#include "test/lib/fake_clock.h"
#include "test/lib/test.h"
#include "test/lib/world_steps.h"

struct book {
	struct arena *arena;
	struct strbuf text;   /* all lines */
	struct table *traces; /* of decisions */
	unsigned lines, decisions, writes;
	bool twice; /* two decisions of one trace */
};

static unsigned count_parts(const char *list)
{
	unsigned parts = *list ? 1 : 0;

	while ((list = strchr(list, ','))) {
		list++;
		parts++;
	}
	return parts;
}

static void note_decision(struct book *book, const struct json *line)
{
	const char *trace = json_text_or(json_get(line, "knative.dev/traceid"), "");

	EXPECT_INT(strlen(trace), 16);
	EXPECT(json_text(json_get(line, "duration")));
	EXPECT(json_text(json_get(line, "knative.dev/key")));
	book->decisions++;
	book->writes += count_parts(json_text_or(json_get(line, "written"), ""));
	book->twice = book->twice || table_set(book->traces, trace, book) != NULL;
}

static void keep_line(void *ctx, const char *text, size_t length)
{
	struct book *book = ctx;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *line = NULL;
	const char *message;

	strbuf_add(&book->text, text, length);
	book->lines++;
	if (!json_parse(text, length, NULL, arena, &line, &err))
		printf("%s", text);
	EXPECT_TEXT(error_text(&err), "");
	message = json_text_or(json_get(line, "message"), "");
	if (strcmp(json_text_or(json_get(line, "severity"), ""), "DEBUG") != 0 &&
	    (strcmp(message, "reconciled") == 0 || strcmp(message, "reconcile failed") == 0))
		note_decision(book, line);
}

struct scene {
	struct world *world;
	struct play play;
	struct book book;
};

static void scene_init(struct scene *s, enum log_level level)
{
	memset(s, 0, sizeof(*s));
	s->world = world_new(NULL);
	s->play.world = s->world;
	s->book.text = (struct strbuf)STRBUF_INIT;
	s->book.traces = table_new();
	log_set_level(level);
	log_setup(&world_clock(s->world)->clock, NULL, keep_line, &s->book);
}

static void scene_release(struct scene *s)
{
	world_free(s->world);
	log_set_level(LOG_INFO);
	strbuf_release(&s->book.text);
	table_free(s->book.traces);
}

static void do_steps(struct scene *s, const struct step *steps)
{
	for (; steps->act; steps++)
		steps->act(&s->play, steps->text, steps->number);
}

/* Writes of the trace that went through, but Events. */
static unsigned writes_in(const char *trace)
{
	unsigned writes = 0;

	for (const char *line = trace; *line; line = strchr(line, '\n') + 1) {
		bool done = strstr(line, " 200\n") || strstr(line, " 201\n");

		writes += done && !strstr(trace, "POST events") ? 1 : 0;
	}
	return writes;
}

TEST(logs, each_write_is_told_in_one_line_and_silence_behind)
{
	static const struct step life[] = {
	    DO(starts),         ON(revision_made, CUSTOM "min-scale=1"),
	    FOR(passes, 20000), FOR(value_set, 20),
	    FOR(passes, 20000), ON(annotated, "max-scale=7"),
	    FOR(passes, 60000), END,
	};
	static const struct step nothing[] = {
	    DO(relists), FOR(passes, 60000),   DO(history_compacted),
	    DO(relists), FOR(passes, 3600000), END,
	};
	struct scene s;
	unsigned lines;

	scene_init(&s, LOG_INFO);
	do_steps(&s, life);
	EXPECT(writes_in(world_trace(s.world)) >= 6);
	EXPECT_INT(s.book.writes, writes_in(world_trace(s.world)));
	EXPECT(s.book.decisions <= s.book.writes);
	EXPECT_FALSE(s.book.twice);
	EXPECT_CONTAINS(s.book.text.buf,
			"\"written\":\"create-serverlessservice,create-scaledobject,"
			"patch-podautoscaler-status\",\"reason\":\"WaitingForHPA\"");
	lines = s.book.lines;
	do_steps(&s, nothing);
	EXPECT_INT(s.book.lines - lines, 0);
	if (s.book.lines != lines)
		printf("%s", s.book.text.buf);
	scene_release(&s);
}

TEST(logs, a_refusal_that_lasts_is_a_line_once)
{
	static const struct step refused[] = {
	    WITH(keda_refuses, "the scaledobject is bad", 403),
	    DO(starts),
	    ON(revision_made, CUSTOM "min-scale=1"),
	    FOR(passes, 5000),
	    END,
	};
	static const struct step hour[] = {FOR(passes, 3600000), END};
	static const struct step over[] = {DO(keda_refuses), FOR(passes, 330000), END};
	struct scene s;
	unsigned lines;

	scene_init(&s, LOG_INFO);
	do_steps(&s, refused);
	EXPECT_CONTAINS(s.book.text.buf, "\"message\":\"reconcile failed\"");
	EXPECT_CONTAINS(s.book.text.buf, "\"step\":\"create-scaledobject\",\"kind\":\"denied\","
					 "\"status\":403,\"error\":");
	EXPECT_CONTAINS(s.book.text.buf, "\"reason\":\"ScaledObjectRejected\"");
	lines = s.book.lines;
	do_steps(&s, hour);
	EXPECT_INT(s.book.lines - lines, 0);
	do_steps(&s, over);
	EXPECT_CONTAINS(s.book.text.buf, "\"message\":\"reconciled\"");
	scene_release(&s);
}

/* ---- secrets ---- */

#define PASSWORD "hunter2"
#define SECRETS                                                                                    \
	"prometheus-address=https://me:" PASSWORD "@prometheus:9090/?token=" PASSWORD "\n"         \
	"keda-custom-headers=Authorization=Bearer 0123456789-" PASSWORD ",X-Key=" PASSWORD "\n"    \
	"keda-query-parameters=access=" PASSWORD "\n"
#define TRIGGER(member)                                                                            \
	"keda-triggers=[{\"type\":\"rabbitmq\",\"metadata\":{\"host\":\"amqp://me:" PASSWORD       \
	"@mq/\"," member "}}]\n"

/* Each is refused, here or there, for something beside the secret or for the secret itself. */
static const char *const annotations[] = {
    SECRETS,
    SECRETS TRIGGER("\"password\":\"" PASSWORD "\""),
    SECRETS TRIGGER("\"password\":\"{{ .none }}" PASSWORD "\""),
    SECRETS TRIGGER("\"password\":\"" PASSWORD "\\u0000\""),
    SECRETS TRIGGER("\"passwords\":[\"" PASSWORD "\"]"),
    SECRETS TRIGGER("\"connection\":\"a=b {{ .none }};password=" PASSWORD "\""),
    "prometheus-address=ftp://me:" PASSWORD "@prometheus\n",
    "prometheus-address=https://me:" PASSWORD "@prometheus:port\n",
    "prometheus-address=https://me:" PASSWORD
    "0123456789012345678901234567890123456789012345678901@"
    "p:port\n",
    "keda-custom-headers=X-Key:" PASSWORD "\n",
    "keda-query-parameters=" PASSWORD "\n",
};

/* Nor do conditions and Events. */
static void expect_told_without(struct scene *s)
{
	static const char *const kinds[] = {"PodAutoscaler", "Revision", "Service"};
	static const char *const names[] = {"hello-00001", "hello-00001", "hello"};
	CLEANUP(strbuf_release) struct strbuf status = STRBUF_INIT;
	struct model *model = world_model(s->world);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT(!strstr(model_events(model, kinds[i], "default", names[i]), PASSWORD));
	json_write(json_get(model_get(model, "podautoscalers", "default", "hello-00001"), "status"),
		   &status);
	EXPECT_CONTAINS(status.buf, "conditions");
	EXPECT(!strstr(status.buf, PASSWORD));
}

TEST(logs, hold_no_secret)
{
	static const struct step before[] = {DO(starts), ON(revision_made, CUSTOM),
					     FOR(passes, 20000), END};
	struct scene s;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(annotations); i++) {
		bool refusing = i >= ARRAY_SIZE(annotations);
		const struct step steps[] = {
		    WITH(keda_refuses,
			 refusing ? "bad host amqp://me:" PASSWORD "@mq/, \"password\":\"" PASSWORD
				    "\", header Authorization=Bearer " PASSWORD
				  : NULL,
			 422),
		    ON(annotated, annotations[i % ARRAY_SIZE(annotations)]),
		    FOR(passes, 30000),
		    END,
		};

		test_row("%zu", i);
		scene_init(&s, LOG_DEBUG);
		do_steps(&s, before);
		do_steps(&s, steps);
		EXPECT_CONTAINS(s.book.text.buf, "\"severity\":\"DEBUG\"");
		EXPECT(strstr(s.book.text.buf, PASSWORD) == NULL);
		if (strstr(s.book.text.buf, PASSWORD))
			printf("%s", s.book.text.buf);
		expect_told_without(&s);
		scene_release(&s);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(logs, each_write_is_told_in_one_line_and_silence_behind),
	  TEST_OF(logs, a_refusal_that_lasts_is_a_line_once), TEST_OF(logs, hold_no_secret))
