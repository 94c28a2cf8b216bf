/* Memos whose texts the caller owns. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/hpa/decide.h"

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void memo_clear(struct memo *memo)
{
	free(memo->refused_text);
	free(memo->unwritten_text);
	free(memo->unknown_reason);
	memset(memo, 0, sizeof(*memo));
}

/* The new texts first: from may borrow them from to. */
void memo_copy(struct memo *to, const struct memo *from)
{
	struct memo copy = *from;

	copy.refused_text = copy_text(from->refused_text);
	copy.unwritten_text = copy_text(from->unwritten_text);
	copy.unknown_reason = copy_text(from->unknown_reason);
	memo_clear(to);
	*to = copy;
}
