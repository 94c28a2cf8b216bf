/*
 * KEDA's messages: what is read out of bytes made by hand, what is refused, and what is written.
 */
#include <stdlib.h>

#include "pkg/keda/external_scaler.h"
#include "test/lib/test.h"
#include "test/unit/scaler_messages.h"

#define BYTES(text) text, sizeof(text) - 1

/* What a ref tells: "NAME NS key=value ...". */
static const char *told(const struct scaler_ref *ref, struct arena *arena)
{
	char *out = arena_printf(arena, "%s %s", ref->name, ref->ns);
	for (size_t i = 0; i < ref->metadata_count; i++)
		out = arena_printf(arena, "%s %s=%s", out, ref->metadata[i].key,
				   ref->metadata[i].value);
	return out;
}

TEST(ref, bytes_and_what_they_say)
{
	static const struct {
		const char *name, *bytes;
		size_t length;
		const char *want; /* NULL: refused */
	} rows[] = {
	    {"nothing at all", BYTES(""), " "},
	    {"name and namespace",
	     BYTES("\x0a\x02so\x12\x03"
		   "app"),
	     "so app"},
	    {"in the other order",
	     BYTES("\x12\x03"
		   "app\x0a\x02so"),
	     "so app"},
	    {"a field given twice", BYTES("\x0a\x02so\x0a\x02no"), "no "},
	    {"an entry", BYTES("\x1a\x08\x0a\x01k\x12\x03val"), "  k=val"},
	    {"an entry without a value", BYTES("\x1a\x03\x0a\x01k"), "  k="},
	    {"an entry of nothing", BYTES("\x1a\x00"), "  ="},
	    {"two entries",
	     BYTES("\x1a\x06\x0a\x01"
		   "a\x12\x01"
		   "1\x1a\x06\x0a\x01"
		   "b\x12\x01"
		   "2"),
	     "  a=1 b=2"},
	    {"fields of tomorrow",
	     BYTES("\x0a\x02so\x20\x07\x2a\x01x\x31"
		   "12345678\x3d"
		   "1234"),
	     "so "},
	    {"a length of two bytes for one", BYTES("\x0a\x82\x00so"), "so "},
	    {"no UTF-8", BYTES("\x0a\x02\xff\xfe"), "\xff\xfe "},
	    {"a NUL inside",
	     BYTES("\x0a\x03"
		   "a\x00"
		   "b"),
	     "a "},
	    {"cut within a text", BYTES("\x0a\x05so"), NULL},
	    {"cut before a length", BYTES("\x0a"), NULL},
	    {"an entry that reaches too far", BYTES("\x1a\x04\x0a\x09k\x12"), NULL},
	    {"a number for a text", BYTES("\x08\x01"), NULL},
	    {"a field 0", BYTES("\x02\x01x"), NULL},
	    {"a length without an end", BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	     NULL},
	    {"a length of 4 GiB", BYTES("\x0a\xff\xff\xff\xff\x0f"), NULL},
	    {"a group", BYTES("\x0b\x0c"), NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct scaler_ref ref;
		/* On the heap and no more: that AddressSanitizer sees an overrun. */
		char *bytes = malloc(rows[i].length + !rows[i].length);
		memcpy(bytes, rows[i].bytes, rows[i].length);
		test_row("%s", rows[i].name);
		bool ok = scaler_ref_decode(bytes, rows[i].length, arena, &ref, &err);
		free(bytes);
		EXPECT_INT(ok, rows[i].want != NULL);
		if (!ok) {
			EXPECT_INT(err.kind, ERROR_INVALID);
			EXPECT_TEXT(error_text(&err), "no ScaledObjectRef");
		} else if (rows[i].want) {
			EXPECT_TEXT(told(&ref, arena), rows[i].want);
		}
	}
}

TEST(ref, the_last_of_a_key_counts)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	struct scaler_ref ref;
	message_ref(&message, "app", "metric=rps target=7 metric=concurrency empty=");
	EXPECT(scaler_ref_decode(message.buf, message.len, arena, &ref, NULL));
	EXPECT_TEXT(scaler_ref_metadata(&ref, "metric"), "concurrency");
	EXPECT_TEXT(scaler_ref_metadata(&ref, "target"), "7");
	EXPECT_TEXT(scaler_ref_metadata(&ref, "empty"), "");
	EXPECT(!scaler_ref_metadata(&ref, "tar"));
}

/* What is small on the wire and large in memory. */
TEST(ref, bounds)
{
	static const struct {
		const char *name;
		const char *piece;
		size_t length, times;
		const char *want; /* NULL: taken */
	} rows[] = {
	    {"256 entries", BYTES("\x1a\x00"), 256, NULL},
	    {"257 entries", BYTES("\x1a\x00"), 257, "257 entries of scalerMetadata, 256 at most"},
	    {"64 KiB of entries", BYTES("\x1a\x00"), 32768, "too large a ScaledObjectRef"},
	    {"a thousand names",
	     BYTES("\x0a\x06"
		   "abcdef"),
	     1000, NULL},
	    {"64 KiB of names",
	     BYTES("\x0a\x06"
		   "abcdef"),
	     8192, "too large a ScaledObjectRef"},
	    {"64 KiB of empty names", BYTES("\x0a\x00"), 32768, "too large a ScaledObjectRef"},
	    {"64 KiB of fields of tomorrow", BYTES("\x28\x01"), 32768,
	     "too large a ScaledObjectRef"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
		struct scaler_ref ref;
		for (size_t n = 0; n < rows[i].times; n++)
			strbuf_add(&message, rows[i].piece, rows[i].length);
		test_row("%s", rows[i].name);
		bool ok = scaler_ref_decode(message.buf, message.len, arena, &ref, &err);
		EXPECT_TEXT(ok ? "taken" : error_text(&err), rows[i].want ? rows[i].want : "taken");
		EXPECT(arena_bytes(arena) <= 2 * EXTERNAL_SCALER_BYTES);
	}
}

TEST(metrics_request, ref_and_name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	struct scaler_metrics_request request;
	message_metrics(&message, "app", "metric=rps", "rps");
	EXPECT(scaler_metrics_request_decode(message.buf, message.len, arena, &request, NULL));
	EXPECT_TEXT(told(&request.ref, arena), "hello-so app metric=rps");
	EXPECT_TEXT(request.metric_name, "rps");
	EXPECT(scaler_metrics_request_decode(BYTES("\x12\x01m"), arena, &request, NULL));
	EXPECT_TEXT(told(&request.ref, arena), " ");
	EXPECT_TEXT(request.metric_name, "m");
	EXPECT_FALSE(scaler_metrics_request_decode(BYTES("\x0a\x01\x0a"), arena, &request, &err));
	EXPECT_TEXT(error_text(&err), "no GetMetricsRequest");
}

TEST(answers, is_active)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	scaler_is_active_encode(false, &out);
	EXPECT_INT(out.len, 0);
	scaler_is_active_encode(true, &out);
	EXPECT_INT(out.len, 2);
	EXPECT(memcmp(out.buf, "\x08\x01", 2) == 0);
}

TEST(answers, numbers_both_ways)
{
	static const struct {
		double number;
		const char *want;
	} rows[] = {
	    {70, "m 70 70"},
	    {0.7, "m 1 0.7"},
	    {0.001, "m 1 0.001"},
	    {70.5, "m 71 70.5"},
	    {0, "m 0 0"},
	    {1e9, "m 1000000000 1000000000"},
	    {1e300, "m 9223372036854775807 1e+300"},
	    {-1, "m 0 -1"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf spec = STRBUF_INIT, value = STRBUF_INIT;
		char text[128];
		test_row("%g", rows[i].number);
		scaler_metric_spec_encode("m", rows[i].number, &spec);
		message_tell(spec.buf, spec.len, text, sizeof(text));
		EXPECT_TEXT(text, rows[i].want);
		scaler_metric_value_encode("m", rows[i].number, &value);
		message_tell(value.buf, value.len, text, sizeof(text));
		EXPECT_TEXT(text, rows[i].want);
	}
}

TEST_MAIN(TEST_OF(ref, bytes_and_what_they_say), TEST_OF(ref, the_last_of_a_key_counts),
	  TEST_OF(ref, bounds), TEST_OF(metrics_request, ref_and_name), TEST_OF(answers, is_active),
	  TEST_OF(answers, numbers_both_ways))
