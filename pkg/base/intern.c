/*
 * The shared texts: a table whose keys are the texts and whose values are how often each
 * is held. The table itself goes with the last text, so nothing is left at exit.
 */
#include "pkg/base/intern.h"

#include <stdint.h>

#include "pkg/base/check.h"
#include "pkg/base/table.h"

static struct table *texts;

const char *intern_known(const char *text)
{
	return texts && text ? table_key(texts, text) : NULL;
}

const char *intern_ref(const char *text)
{
	if (!text)
		return NULL;
	if (!texts)
		texts = table_new();
	const char *shared;
	void **held = table_slot(texts, text, &shared);
	if (held) {
		*held = (void *)((uintptr_t)*held + 1);
		return shared;
	}
	table_set(texts, text, (void *)(uintptr_t)1);
	return table_key(texts, text);
}

void intern_unref(const char *text)
{
	if (!text)
		return;
	const char *shared;
	void **held = texts ? table_slot(texts, text, &shared) : NULL;
	CHECK(held);
	if ((uintptr_t)*held > 1) {
		*held = (void *)((uintptr_t)*held - 1);
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
