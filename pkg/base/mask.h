/*
 * Texts that others wrote are quoted in log lines, conditions and Events; what looks like a
 * credential in them is not shown: user and password in a URL, the value of a name that
 * speaks of a secret ("token=..." or JSON), a bearer token. A guess, and the last
 * line of defence: whoever knows that a value is secret does not quote it at all.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/strbuf.h"

void strbuf_add_masked(struct strbuf *sb, const char *text, size_t length);
/* Does the name, such as that of a header or parameter, promise a secret? */
bool mask_is_secret_name(const char *name, size_t length);

#endif
