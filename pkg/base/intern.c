/*
 * The shared texts: a table whose keys are the texts and whose values are how often each
 * is held. The table itself goes with the last text, so nothing is left at exit.
 */
#include "pkg/base/intern.h"

#include <stdint.h>

#include "pkg/base/check.h"
#include "pkg/base/table.h"

static struct table *texts;

const char *intern_ref(const char *text)
{
	if (!text)
		return NULL;
	if (!texts)
		texts = table_new();
	uintptr_t held = (uintptr_t)table_get(texts, text);
	table_set(texts, text, (void *)(held + 1));
	return table_key(texts, text);
}

void intern_unref(const char *text)
{
	if (!text)
		return;
	uintptr_t held = texts ? (uintptr_t)table_get(texts, text) : 0;
	CHECK(held > 0);
	if (held > 1) {
		table_set(texts, text, (void *)(held - 1));
		return;
	}
	table_remove(texts, text);
	if (table_count(texts) == 0) {
		table_free(texts);
		texts = NULL;
	}
}

size_t intern_bytes(void)
{
	return texts ? table_bytes(texts) : 0;
}
