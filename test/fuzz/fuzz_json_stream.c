/*
 * The push reader: however a stream is cut into chunks, the same values come out and the same end.
 * The first byte chooses: bit 0 list, bit 1 skipping, bit 2 a small limit, the others the length
 * of a chunk. A document that json_parse takes is one value here.
 */
#include "pkg/json/stream.h"
#include "test/fuzz/fuzz.h"

#define SMALL_VALUE 48

struct run {
	struct strbuf delivered; /* a line a value */
	size_t count;
	enum error_kind end;
};

static bool keep(void *ctx, const struct json *value, struct error *err UNUSED)
{
	struct run *run = ctx;
	json_write(value, &run->delivered);
	strbuf_addch(&run->delivered, '\n');
	run->count++;
	return true;
}

static void stream(unsigned char choice, const char *text, size_t length, size_t chunk,
		   struct run *run)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json_stream *s = json_stream_new(&(struct json_stream_config){
	    .mode = choice & 1 ? JSON_STREAM_LIST : JSON_STREAM_VALUES,
	    .skip = choice & 2 ? "managedFields" : NULL,
	    .max_value_bytes = choice & 4 ? SMALL_VALUE : 0,
	    .deliver = keep,
	    .envelope = keep,
	    .ctx = run,
	});
	bool ok = true;
	for (size_t at = 0; ok && at < length; at += chunk)
		ok =
		    json_stream_feed(s, text + at, length - at < chunk ? length - at : chunk, &err);
	if (ok)
		ok = json_stream_end(s, &err);
	CHECK(ok == (err.kind == ERROR_NONE));
	if (!ok)
		fuzz_check_message(error_text(&err), 640);
	CHECK(ok || err.kind == ERROR_INVALID || err.kind == ERROR_TRANSIENT);
	run->end = err.kind;
	json_stream_free(s);
}

/* A value at the top that is neither object nor list. */
static bool has_scalar(const struct run *run)
{
	for (const char *line = run->delivered.buf; *line; line = strchr(line, '\n') + 1)
		if (*line != '{' && *line != '[')
			return true;
	return false;
}

static void check_same_as_parse(const char *text, size_t length, const struct run *run)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf written = STRBUF_INIT;
	struct json *value;
	if (!json_parse(text, length, NULL, arena, &value, NULL))
		return;
	json_write(value, &written);
	strbuf_addch(&written, '\n');
	CHECK(run->end == ERROR_NONE && run->count == 1);
	CHECK(strcmp(written.buf, run->delivered.buf) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole = {.delivered = STRBUF_INIT}, cut = {.delivered = STRBUF_INIT};
	if (size < 2)
		return 0;
	const char *text = (const char *)data + 1;
	stream(data[0], text, size - 1, size, &whole);
	stream(data[0], text, size - 1, 1 + (data[0] >> 3), &cut);
	/* Blanks before a number or a string at the top count for its size as chunks have it. */
	if (!(data[0] & 4) || (!has_scalar(&whole) && !has_scalar(&cut))) {
		CHECK(whole.end == cut.end && whole.count == cut.count);
		CHECK(strcmp(whole.delivered.buf, cut.delivered.buf) == 0);
	}
	if ((data[0] & 7) == 0)
		check_same_as_parse(text, size - 1, &whole);
	strbuf_release(&whole.delivered);
	strbuf_release(&cut.delivered);
	return 0;
}
