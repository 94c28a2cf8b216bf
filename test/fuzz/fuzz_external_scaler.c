/*
 * KEDA's questions, as bytes from whoever reaches the port: what is understood has names that
 * Kubernetes could have given and a target in its bounds, what is refused says why in one line, and
 * no message takes more memory than is promised.
 */
#include "pkg/keda/external_scaler.h"
#include "reconciler/http/question.h"
#include "test/fuzz/fuzz.h"

#define MESSAGE_MAX 640

static void check_ref(const struct scaler_ref *ref)
{
	CHECK(ref->name && ref->ns && ref->metadata_count <= EXTERNAL_SCALER_METADATA);
	for (size_t i = 0; i < ref->metadata_count; i++) {
		const char *last = scaler_ref_metadata(ref, ref->metadata[i].key);
		CHECK(last && ref->metadata[i].value);
		CHECK(i + 1 < ref->metadata_count || last == ref->metadata[i].value);
	}
}

static void decode(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct scaler_metrics_request request;
	struct scaler_ref ref;
	if (scaler_ref_decode(data, size, arena, &ref, &err))
		check_ref(&ref);
	else
		fuzz_check_message(error_text(&err), MESSAGE_MAX);
	if (scaler_metrics_request_decode(data, size, arena, &request, &err))
		check_ref(&request.ref);
	/* Two messages, and each one's entries as an array. */
	CHECK(arena_handed_out(arena) <=
	      2 * (EXTERNAL_SCALER_BYTES + EXTERNAL_SCALER_METADATA * sizeof(*ref.metadata)));
}

static void ask(enum question_kind kind, const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	static const struct reading reading = {.known = true, .rps = 0.1, .concurrency = 1e300};
	struct question question;
	if (!question_read(kind, data, size, arena, &question, &err)) {
		CHECK(err.kind == ERROR_INVALID || err.kind == ERROR_NOT_FOUND);
		fuzz_check_message(error_text(&err), MESSAGE_MAX);
		return;
	}
	CHECK(question.kind == kind);
	CHECK(question.target >= 0.001 && question.target <= 1e9);
	CHECK(*question.ns && strlen(question.ns) <= QUESTION_NS_MAX);
	CHECK(*question.revision && strlen(question.revision) <= QUESTION_REVISION_MAX);
	CHECK(!strchr(question.ns, '/') && !strchr(question.revision, '/'));
	question_answer(&question, &reading, &out);
	CHECK(out.len <= 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode(data, size);
	for (enum question_kind kind = QUESTION_IS_ACTIVE; kind <= QUESTION_METRICS; kind++)
		ask(kind, data, size);
	return 0;
}
