/*
 * One pass over the text; at each character that may stand before a secret it is asked whether one
 * begins there. Errs on the side of hiding.
 */
#include "pkg/base/mask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	size_t length;
	size_t no_user_before; /* looked at already: else "://://..." would take its square */
};

/* Where the secret begins and ends; both 0: none. */
struct secret {
	size_t start, end;
};

static const char *const words[] = {
    "password", "passwd",  "pwd",     "secret",    "token",      "credential", "signature",
    "apikey",   "api_key", "api-key", "accesskey", "access_key", "access-key", "authorization",
};

static bool contains(const char *name, size_t length, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= length; i++) {
		if (strncasecmp(name + i, word, size) == 0)
			return true;
	}
	return false;
}

bool mask_is_secret_name(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (contains(name, length, words[i]))
			return true;
	}
	return length == 3 && strncasecmp(name, "sig", 3) == 0;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || is_one_of(c, "_-.");
}

/* Up to the first of these, or a control character. */
static size_t run_to(const struct text *text, size_t at, const char *ends)
{
	while (at < text->length && (unsigned char)text->at[at] >= ' ' &&
	       !is_one_of(text->at[at], ends))
		at++;
	return at;
}

/* Up to the last @ of the word: a password may hold what should have been escaped. */
static struct secret user_of_url(struct text *text, size_t start)
{
	size_t end;
	const char *at;

	if (start < text->no_user_before)
		return (struct secret){0, 0};
	end = run_to(text, start, " \"'<>\\`");
	at = memrchr(text->at + start, '@', end - start);
	if (at && at > text->at + start)
		return (struct secret){start, (size_t)(at - text->at)};
	text->no_user_before = end;
	return (struct secret){0, 0};
}

/* name=value, or "name":"value" with quotes that may be escaped. */
static struct secret value_behind(const struct text *text, size_t sign)
{
	size_t end = sign, name, value = sign + 1;
	bool spaced;

	if (text->at[sign] == ':' && (sign == 0 || text->at[sign - 1] != '"'))
		return (struct secret){0, 0};
	while (end > 0 && is_one_of(text->at[end - 1], "\"\\"))
		end--;
	for (name = end; name > 0 && is_name(text->at[name - 1]);)
		name--;
	if (!mask_is_secret_name(text->at + name, end - name))
		return (struct secret){0, 0};
	/* "Authorization=Basic ..." */
	spaced = contains(text->at + name, end - name, "authorization");
	while (value < text->length && is_one_of(text->at[value], " \"'\\"))
		value++;
	end = run_to(text, value, spaced ? "&;,\"'\\}" : " &;,\"'\\})");
	return end > value ? (struct secret){value, end} : (struct secret){0, 0};
}

static struct secret bearer(const struct text *text, size_t at)
{
	static const char word[] = "bearer ";
	size_t start = at + strlen(word), end;

	if (start >= text->length || strncasecmp(text->at + at, word, strlen(word)) != 0)
		return (struct secret){0, 0};
	end = run_to(text, start, " ,;\"'\\");
	return end - start >= 16 ? (struct secret){start, end} : (struct secret){0, 0};
}

static struct secret secret_at(struct text *text, size_t at)
{
	switch (text->at[at]) {
	case ':':
		if (at + 3 < text->length && memcmp(text->at + at, "://", 3) == 0)
			return user_of_url(text, at + 3);
		return value_behind(text, at);
	case '=':
		return value_behind(text, at);
	case 'b':
	case 'B':
		return bearer(text, at);
	default:
		return (struct secret){0, 0};
	}
}

void strbuf_add_masked(struct strbuf *sb, const char *text, size_t length)
{
	struct text whole = {text, length, 0};
	size_t told = 0;

	for (size_t at = 0; at < length; at++) {
		struct secret secret = secret_at(&whole, at);

		if (secret.end == 0)
			continue;
		strbuf_add(sb, text + told, secret.start - told);
		strbuf_addstr(sb, "***");
		told = secret.end;
		at = secret.end - 1;
	}
	strbuf_add(sb, text + told, length - told);
}
