/*
 * The reader of the Prometheus text format: however a page is cut into chunks, the same samples
 * come out and the same is said of it, and samples are as promised. The seeds are whole pages.
 */
#include <math.h>

#include "pkg/base/hash.h"
#include "pkg/prom/text.h"
#include "test/fuzz/fuzz.h"

static const char *const wanted[] = {"queued", "queue", "active", "kn_revision_request_queued",
				     NULL};

struct run {
	size_t samples, failed;
	uint64_t told; /* all samples, hashed */
};

static void take(void *ctx, const struct prom_sample *sample)
{
	struct run *run = ctx;
	double value = isnan(sample->value) ? 0 : sample->value;
	CHECK(sample->family < 4 && sample->label_count <= PROM_LABELS_MAX);
	run->samples++;
	run->told = hash_bytes(run->told, &sample->family, sizeof(sample->family));
	run->told = hash_bytes(run->told, &value, sizeof(value));
	for (size_t i = 0; i < sample->label_count; i++) {
		const struct prom_label *label = &sample->labels[i];
		CHECK(label->name[0] && strlen(label->value) <= PROM_LINE_MAX);
		CHECK(strcmp(prom_label_get(sample, label->name), label->value) == 0 || i > 0);
		run->told = hash_text(hash_text(run->told, label->name), label->value);
	}
}

static void end_page(struct prom_text *text, struct run *run)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	if (prom_text_end(text, &err))
		return;
	CHECK(err.kind == ERROR_INVALID);
	fuzz_check_message(error_text(&err), 160);
	run->failed = 1;
	run->told = hash_text(run->told, error_text(&err));
}

static struct run read_page(const uint8_t *data, size_t size, size_t chunk)
{
	struct run run = {.told = HASH_SEED};
	struct prom_text *text = prom_text_new(wanted, take, &run);
	/* What came before leaves no trace. */
	prom_text_feed(text, "queued{a=\"b", 11);
	prom_text_abort(text);
	for (size_t at = 0; at < size; at += chunk)
		prom_text_feed(text, (const char *)data + at,
			       size - at < chunk ? size - at : chunk);
	end_page(text, &run);
	prom_text_free(text);
	return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole = read_page(data, size, size + 1);
	size_t chunks[] = {1, 2 + size % 30, 64};
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct run cut = read_page(data, size, chunks[i]);
		CHECK(cut.samples == whole.samples && cut.failed == whole.failed);
		CHECK(cut.told == whole.told);
	}
	return 0;
}
