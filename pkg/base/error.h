/*
 * struct error: what went wrong, on the caller's stack. A function that can fail
 * takes one as its last argument, returns false and has set it; policy is decided
 * by kind, never by text. Messages read outside-in: "get scaledobject a/b: ...".
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/compiler.h"

enum error_kind {
	ERROR_NONE = 0,
	ERROR_NOT_FOUND,      /* 404 */
	ERROR_ALREADY_EXISTS, /* 409, reason AlreadyExists */
	ERROR_CONFLICT,       /* 409, any other */
	ERROR_GONE,           /* 410, reason Gone or Expired */
	ERROR_UNAUTHORIZED,   /* 401 */
	ERROR_FORBIDDEN,      /* 403 of RBAC, or of a terminating namespace: passing */
	ERROR_DENIED,         /* 403 of an admission webhook, quota or policy: for good */
	ERROR_INVALID,        /* 400, 422, or input that does not parse: for good */
	ERROR_THROTTLED,      /* 429 */
	ERROR_TRANSIENT,      /* 5xx, time-out, connection trouble */
	ERROR_FATAL,          /* start-up cannot go on: wrong flags, unreadable files */
};

struct error {
	enum error_kind kind;
	int status;             /* HTTP status, 0 if there was none */
	int64_t retry_after_ms; /* from Retry-After, 0 if none */
	char *message;          /* owned; NULL while kind is ERROR_NONE */
};

#define ERROR_INIT                                                                                 \
	{                                                                                          \
		ERROR_NONE, 0, 0, NULL                                                             \
	}

/* Sets kind and message; an older error is replaced whole, status and retry_after_ms too
 * (it may be named in the new message). Always returns false, so that
 * `return error_set(err, ...)` reads well. err may be NULL: the text is dropped. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "context: " before the message; nothing if no error is set. Always returns false. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* For a message that quotes what somebody wrote: one line of valid UTF-8 of at most max bytes (4 at
 * least), cut on a character with an ellipsis. Control characters become blanks, bytes that are no
 * UTF-8 question marks; what looks like a credential is hidden (pkg/base/mask.h). Nothing if no
 * error is set. Always returns false. */
bool error_tidy(struct error *err, size_t max);
/* Moves from into to (to is cleared first). */
void error_take(struct error *to, struct error *from);
void error_clear(struct error *err);
/* A fixed lower-case word for logs and metrics: "not_found", "conflict", ... */
const char *error_kind_name(enum error_kind kind);
static inline const char *error_text(const struct error *err)
{
	return err->message ? err->message : "";
}

#endif
