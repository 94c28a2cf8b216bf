/* json_stream: the same answers however the bytes are cut, bounded memory, sticky failure. */
#include <stdlib.h>
#include <string.h>

#include "pkg/json/stream.h"
#include "test/lib/test.h"

/* Deliveries as text: items one a line, the envelope behind "=". */
struct record {
	struct strbuf log;
	int stop_at; /* the delivery that fails; 0: none */
	int count;
};

static bool note(struct record *record, const char *mark, const struct json *value,
		 struct error *err)
{
	if (++record->count == record->stop_at) {
		error_set(err, ERROR_GONE, "stopped");
		err->status = 410;
		return false;
	}
	strbuf_addstr(&record->log, mark);
	json_write(value, &record->log);
	strbuf_addch(&record->log, '\n');
	return true;
}

static bool on_value(void *ctx, const struct json *value, struct error *err)
{
	return note(ctx, "", value, err);
}

static bool on_envelope(void *ctx, const struct json *value, struct error *err)
{
	return note(ctx, "=", value, err);
}

/* Feeds text in chunks of exactly that size, each in heap memory of its own. */
static bool feed(const struct json_stream_config *config, const char *text, size_t length,
		 size_t chunk, struct error *err)
{
	struct json_stream *stream = json_stream_new(config);
	bool ok = true;
	for (size_t at = 0; ok && at < length; at += chunk) {
		size_t size = length - at < chunk ? length - at : chunk;
		char *copy = malloc(size);
		memcpy(copy, text + at, size);
		ok = json_stream_feed(stream, copy, size, err);
		free(copy);
	}
	ok = ok && json_stream_end(stream, err);
	json_stream_free(stream);
	return ok;
}

struct row {
	enum json_stream_mode mode;
	const char *text;
	const char *want;
	const char *error; /* NULL: none */
};

#define VALUES JSON_STREAM_VALUES
#define LIST JSON_STREAM_LIST

static const struct row rows[] = {
    {VALUES, "", "", NULL},
    {VALUES, " \n\n ", "", NULL},
    {VALUES, "{\"type\":\"ADDED\",\"object\":{\"a\":[1,2]}}\n{\"type\":\"BOOKMARK\"}\n",
     "{\"type\":\"ADDED\",\"object\":{\"a\":[1,2]}}\n{\"type\":\"BOOKMARK\"}\n", NULL},
    {VALUES, "{}{}[]", "{}\n{}\n[]\n", NULL},
    {VALUES, "1 2.50 \"x\\ud83d\\ude00\" null true 33",
     "1\n2.50\n\"x\xF0\x9F\x98\x80\"\nnull\ntrue\n33\n", NULL},
    {VALUES, "{\"m\":{\"managedFields\":[{\"x\":{\"y\":[1]}}],\"name\":\"n\"}}",
     "{\"m\":{\"name\":\"n\"}}\n", NULL},
    {VALUES, "{\"managedFields\":\"text\",\"a\":{\"managedFields\":null}}", "{\"a\":{}}\n", NULL},
    {VALUES, "{\"a\":\"managedFields\",\"managedFieldsX\":1}",
     "{\"a\":\"managedFields\",\"managedFieldsX\":1}\n", NULL},
    {VALUES, "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}\n", NULL},
    {VALUES, "{\"a\\u0000b\":\"c\\u0000d\"}", "{\"a\\u0000b\":\"c\\u0000d\"}\n", NULL},
    {VALUES, "{\"a\":1}\n{\"b\":", "{\"a\":1}\n", "ended inside a value"},
    {VALUES, "{\"a\":1}\n\"half", "{\"a\":1}\n", "ended inside a value"},
    {VALUES, "tru", "", "ended inside a value"},
    {VALUES, "{\"a\":1}x", "{\"a\":1}\n", "invalid char"},
    {VALUES, "{\"a\":1}}", "{\"a\":1}\n", "unallowed token"},
    {VALUES, "{\"a\" 1}", "", "separated by a colon"},
    {VALUES, "<html>", "", "invalid char"},
    {LIST, "{\"kind\":\"L\",\"metadata\":{\"continue\":\"c\"},\"items\":[{\"a\":1},{\"a\":2}]}",
     "{\"a\":1}\n{\"a\":2}\n={\"kind\":\"L\",\"metadata\":{\"continue\":\"c\"}}\n", NULL},
    {LIST, "{\"items\":[{\"items\":[1]},[2],3,\"x\"],\"kind\":\"L\"} ",
     "{\"items\":[1]}\n[2]\n3\n\"x\"\n={\"kind\":\"L\"}\n", NULL},
    {LIST, "{\"kind\":\"L\",\"items\":null}", "={\"kind\":\"L\"}\n", NULL},
    {LIST, "{\"items\":[]}", "={}\n", NULL},
    {LIST, "{\"kind\":\"Status\",\"code\":410}", "={\"kind\":\"Status\",\"code\":410}\n", NULL},
    {LIST, "{\"metadata\":{\"items\":[1]},\"items\":[{\"managedFields\":[]}]}",
     "{}\n={\"metadata\":{\"items\":[1]}}\n", NULL},
    {LIST, "", "", "ended inside a value"},
    {LIST, " ", "", "ended inside a value"},
    {LIST, "{\"items\":[{\"a\":1}", "{\"a\":1}\n", "ended inside a value"},
    {LIST, "{\"items\":[{\"a\":1}]", "{\"a\":1}\n", "ended inside a value"},
    {LIST, "{\"items\":{}}", "", "\"items\" is no list"},
    {LIST, "{\"items\":7}", "", "\"items\" is no list"},
    {LIST, "[1]", "", "not one object"},
    {LIST, "1 ", "", "not one object"},
    {LIST, "{} {}", "={}\n", "trailing garbage"},
    {LIST, "{} \"x", "={}\n", "ended inside a value"},
    {LIST, "{\"items\":[1,]}", "1\n", "unallowed token"},
};

static void run_row(const struct row *row, size_t chunk)
{
	struct record record = {.log = STRBUF_INIT};
	const struct json_stream_config config = {.mode = row->mode,
						  .skip = "managedFields",
						  .deliver = on_value,
						  .envelope = on_envelope,
						  .ctx = &record};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	test_row("%s in chunks of %zu", row->text, chunk);
	EXPECT_INT(feed(&config, row->text, strlen(row->text), chunk, &err), row->error == NULL);
	EXPECT_TEXT(record.log.buf, row->want);
	if (row->error)
		EXPECT_CONTAINS(error_text(&err), row->error);
	strbuf_release(&record.log);
}

TEST(json_stream, answers_the_same_at_every_chunk_size)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t chunk = 1; chunk <= 31; chunk++)
			run_row(&rows[i], chunk);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&rows[i], 4096);
}

static const char watch[] =
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\\\"\\u00fc\",\"managedFields\":[{}]"
    "}}}\n"
    "{\"type\":\"MODIFIED\",\"object\":{\"spec\":[-1.5e+3,true,null,\"\xE2\x82\xAC\"]}}\n";

/* Cut anywhere in two pieces: nothing changes. Cut off anywhere: whole values or an error. */
TEST(json_stream, stands_a_cut_at_every_byte)
{
	for (size_t cut = 0; cut <= strlen(watch); cut++) {
		struct record record = {.log = STRBUF_INIT};
		const struct json_stream_config config = {
		    .skip = "managedFields", .deliver = on_value, .ctx = &record};
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json_stream *stream = json_stream_new(&config);
		test_row("cut at %zu", cut);
		EXPECT(json_stream_feed(stream, watch, cut, &err));
		EXPECT(json_stream_feed(stream, watch + cut, strlen(watch) - cut, &err));
		EXPECT(json_stream_end(stream, &err));
		EXPECT_INT(record.count, 2);
		json_stream_free(stream);
		record.count = 0;
		bool whole = feed(&config, watch, cut, cut ? cut : 1, &err);
		size_t lines = 0;
		for (size_t i = 0; i < cut; i++)
			lines += watch[i] == '\n';
		bool between = cut == 0 || watch[cut - 1] == '\n' || watch[cut] == '\n';
		EXPECT_INT(whole, between);
		EXPECT_INT(record.count, lines + (cut > 0 && watch[cut] == '\n'));
		if (!whole)
			EXPECT_INT(err.kind, ERROR_TRANSIENT);
		strbuf_release(&record.log);
	}
}

TEST(json_stream, stays_failed)
{
	for (int own = 0; own < 2; own++) {
		struct record record = {.log = STRBUF_INIT, .stop_at = own ? 2 : 0};
		const struct json_stream_config config = {.deliver = on_value, .ctx = &record};
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json_stream *stream = json_stream_new(&config);
		const char *text = own ? "1 2 3 4 " : "1 x 3 4 ";
		EXPECT_FALSE(json_stream_feed(stream, text, 8, &err));
		EXPECT_TEXT(record.log.buf, "1\n");
		EXPECT_INT(err.kind, own ? ERROR_GONE : ERROR_INVALID);
		EXPECT_INT(err.status, own ? 410 : 0);
		error_clear(&err);
		EXPECT_FALSE(json_stream_feed(stream, "5 ", 2, &err));
		EXPECT_CONTAINS(error_text(&err), own ? "stopped" : "invalid char");
		EXPECT_FALSE(json_stream_end(stream, NULL));
		EXPECT_TEXT(record.log.buf, "1\n");
		json_stream_free(stream);
		strbuf_release(&record.log);
	}
	json_stream_free(NULL);
}

TEST(json_stream, an_envelope_may_fail_or_be_unwanted)
{
	struct record record = {.log = STRBUF_INIT, .stop_at = 2};
	struct json_stream_config config = {
	    .mode = LIST, .deliver = on_value, .envelope = on_envelope, .ctx = &record};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT_FALSE(feed(&config, "{\"items\":[1]}", 13, 100, &err));
	EXPECT_TEXT(error_text(&err), "stopped");
	config.envelope = NULL;
	record.stop_at = 0;
	EXPECT(feed(&config, "{\"items\":[1]}", 13, 100, &err));
	EXPECT_TEXT(record.log.buf, "1\n1\n");
	strbuf_release(&record.log);
}

static bool feed_repeated(const struct json_stream_config *config, const char *head,
			  const char *part, size_t times, const char *tail, size_t chunk,
			  struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, head);
	for (size_t i = 0; i < times; i++)
		strbuf_addstr(&text, part);
	strbuf_addstr(&text, tail);
	return feed(config, text.buf, text.len, chunk, err);
}

TEST(json_stream, limits_the_size_of_a_value)
{
	static const struct {
		enum json_stream_mode mode;
		const char *head, *part;
		size_t times;
		const char *tail;
		bool ok;
	} cases[] = {
	    {VALUES, "\"", "x", 98, "\"", true},
	    {VALUES, "\"", "x", 99, "\"", false},
	    {VALUES, "[", "1,", 40, "1]", true},
	    {VALUES, "[", "1,", 60, "1]", false},
	    {VALUES, "", "[1,2,3]\n", 1000, "", true},
	    {VALUES, "[1] ", " ", 1000, " [2]", true},
	    {VALUES, "{\"managedFields\":[", "1,", 60, "1]}", false},
	    {VALUES, "", "9", 1000, "", false},
	    {LIST, "{\"items\":[", "[1,2,3,4],", 1000, "1]}", true},
	    {LIST, "{\"items\":[\"", "x", 200, "\"]}", false},
	    {LIST, "{\"a\":\"", "x", 200, "\"}", false},
	    {LIST, "{", "\"items\":[1],", 1000, "\"a\":1}", false},
	    {LIST, "{\"items\":[1],\"a\":\"", "x", 90, "\"}", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t chunk = 1; chunk < 5000; chunk *= 7) {
			struct record record = {.log = STRBUF_INIT};
			const struct json_stream_config config = {.mode = cases[i].mode,
								  .max_value_bytes = 100,
								  .skip = "managedFields",
								  .deliver = on_value,
								  .ctx = &record};
			CLEANUP(error_clear) struct error err = ERROR_INIT;
			test_row("%s%s*%zu in chunks of %zu", cases[i].head, cases[i].part,
				 cases[i].times, chunk);
			EXPECT_INT(feed_repeated(&config, cases[i].head, cases[i].part,
						 cases[i].times, cases[i].tail, chunk, &err),
				   cases[i].ok);
			if (!cases[i].ok)
				EXPECT_TEXT(error_text(&err), "a value is longer than 100 bytes");
			strbuf_release(&record.log);
		}
}

TEST(json_stream, holds_one_value_at_a_time)
{
	struct record record = {.log = STRBUF_INIT};
	const struct json_stream_config config = {.deliver = on_value, .ctx = &record};
	struct json_stream *stream = json_stream_new(&config);
	static const char value[] = "{\"a\":[1,2,3,{\"b\":\"text\"}]}\n";
	size_t after_a_few = 0;
	for (int i = 0; i < 1000; i++) {
		EXPECT(json_stream_feed(stream, value, strlen(value), NULL));
		if (i == 20)
			after_a_few = json_stream_bytes(stream);
	}
	EXPECT(json_stream_bytes(stream) <= after_a_few);
	EXPECT(after_a_few < 8192);
	json_stream_free(stream);
	strbuf_release(&record.log);
}

TEST(json_stream, limits_depth)
{
	static const struct {
		enum json_stream_mode mode;
		const char *text;
		bool ok;
	} cases[] = {
	    {VALUES, "[[[1]]]", true},
	    {VALUES, "[[[[1]]]]", false},
	    {VALUES, "{\"skip\":[[1]]}", true},
	    {VALUES, "{\"skip\":[[[1]]]}", false},
	    {LIST, "{\"items\":[[[[1]]]]}", true},
	    {LIST, "{\"items\":[[[[[1]]]]]}", false},
	    {LIST, "{\"a\":[[1]]}", true},
	    {LIST, "{\"a\":[[[1]]]}", false},
	    {LIST, "{\"skip\":[[[1]]]}", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct record record = {.log = STRBUF_INIT};
		const struct json_stream_config config = {.mode = cases[i].mode,
							  .max_depth = 3,
							  .skip = "skip",
							  .deliver = on_value,
							  .ctx = &record};
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		test_row("%s", cases[i].text);
		EXPECT_INT(feed(&config, cases[i].text, strlen(cases[i].text), 3, &err),
			   cases[i].ok);
		strbuf_release(&record.log);
	}
}

TEST(json_stream, stands_damaged_input)
{
	uint64_t random = 3;
	for (int i = 0; i < 6000; i++) {
		struct record whole = {.log = STRBUF_INIT}, cut = {.log = STRBUF_INIT};
		const char *seed = i % 2 ? watch : rows[17].text;
		struct json_stream_config config = {.mode = i % 2 ? VALUES : LIST,
						    .skip = "managedFields",
						    .max_value_bytes = 90,
						    .max_depth = 4,
						    .deliver = on_value,
						    .envelope = on_envelope,
						    .ctx = &whole};
		size_t length;
		char *text = test_mutate(&random, seed, &length);
		bool first = feed(&config, text, length, length ? length : 1, NULL);
		config.ctx = &cut;
		bool second = feed(&config, text, length, 1 + test_random(&random) % 31, NULL);
		if (first != second || strcmp(whole.log.buf, cut.log.buf) != 0) {
			test_row("round %d: %.*s", i, (int)length, text);
			EXPECT_TEXT(cut.log.buf, whole.log.buf);
			EXPECT_INT(second, first);
		}
		free(text);
		strbuf_release(&whole.log);
		strbuf_release(&cut.log);
	}
	EXPECT(true);
}

TEST_MAIN(TEST_OF(json_stream, answers_the_same_at_every_chunk_size),
	  TEST_OF(json_stream, stands_a_cut_at_every_byte), TEST_OF(json_stream, stays_failed),
	  TEST_OF(json_stream, an_envelope_may_fail_or_be_unwanted),
	  TEST_OF(json_stream, limits_the_size_of_a_value),
	  TEST_OF(json_stream, holds_one_value_at_a_time), TEST_OF(json_stream, limits_depth),
	  TEST_OF(json_stream, stands_damaged_input))
