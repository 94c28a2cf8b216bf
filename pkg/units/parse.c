/*
 * Scalars as Go's strconv and net/url read them.
 */
#include "pkg/units/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

bool parse_int32(const char *text, int32_t *out)
{
	bool negative = *text == '-';
	int64_t value = 0;
	if (*text == '-' || *text == '+')
		text++;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		value = value * 10 + (*text - '0');
		if (value > INT64_C(1) << 31)
			return false;
	}
	if (negative)
		value = -value;
	if (value > INT32_MAX)
		return false;
	*out = (int32_t)value;
	return true;
}

bool parse_bool(const char *text, bool *out)
{
	static const char *const words[] = {"1", "t", "T", "TRUE",  "true",  "True",
					    "0", "f", "F", "FALSE", "false", "False"};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*out = i < ARRAY_SIZE(words) / 2;
			return true;
		}
	return false;
}

/* ---- URLs ---- */

struct span {
	const char *text;
	size_t length;
};

/* All characters alphanumeric, of extra, not ASCII, or a % escape; of those only of bytes
 * beyond ASCII if bare is set. */
static bool consists_of(struct span span, const char *extra, bool bare)
{
	for (size_t i = 0; i < span.length; i++) {
		unsigned char c = (unsigned char)span.text[i];
		if (c == '%') {
			if (span.length - i < 3 || !isxdigit((unsigned char)span.text[i + 1]) ||
			    !isxdigit((unsigned char)span.text[i + 2]))
				return false;
			if (bare && span.text[i + 1] < '8')
				return false;
			i += 2;
		} else if (!isalnum(c) && c < 0x80 && !strchr(extra, c)) {
			return false;
		}
	}
	return true;
}

static bool good_port(struct span port)
{
	unsigned value = 0;
	if (port.length == 0)
		return true;
	if (port.text[0] != ':')
		return false;
	for (size_t i = 1; i < port.length; i++) {
		if (!isdigit((unsigned char)port.text[i]))
			return false;
		value = value * 10 + (unsigned)(port.text[i] - '0');
		if (value > 65535)
			return false;
	}
	return true;
}

/* "[address]" or "[address%25zone]", then a port. */
static bool good_ip_literal(struct span host)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	const char *close = memrchr(host.text, ']', host.length);
	if (!close)
		return false;
	struct span port = {close + 1, host.length - (size_t)(close + 1 - host.text)};
	struct span inner = {host.text + 1, (size_t)(close - host.text) - 1};
	const char *zone = memmem(inner.text, inner.length, "%25", 3);
	size_t length = zone ? (size_t)(zone - inner.text) : inner.length;
	if (length >= sizeof(address) || !good_port(port))
		return false;
	memcpy(address, inner.text, length);
	address[length] = 0;
	if (inet_pton(AF_INET6, address, &parsed) != 1)
		return false;
	if (!zone)
		return true;
	struct span name = {zone + 3, inner.length - length - 3};
	return name.length > 0 && consists_of(name, "-._~", false);
}

static bool good_host(struct span host)
{
	if (host.length > 0 && host.text[0] == '[')
		return good_ip_literal(host);
	const char *colon = memchr(host.text, ':', host.length);
	struct span name = {host.text, colon ? (size_t)(colon - host.text) : host.length};
	struct span port = {host.text + name.length, host.length - name.length};
	return name.length > 0 && consists_of(name, "-._~!$&'()*+,;=", true) && good_port(port);
}

static bool good_authority(struct span authority)
{
	const char *at = memrchr(authority.text, '@', authority.length);
	if (!at)
		return good_host(authority);
	struct span user = {authority.text, (size_t)(at - authority.text)};
	struct span host = {at + 1, authority.length - user.length - 1};
	for (size_t i = 0; i < user.length; i++)
		if ((unsigned char)user.text[i] >= 0x80)
			return false;
	return consists_of(user, "-._~!$&'()*+,;=:@", false) && good_host(host);
}

bool parse_http_url(const char *text)
{
	static const char any[] = "-._~!$&'()*+,;=:@/?#[]<>\"\\^`{|}";
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7F)
			return false;
	if (strncasecmp(text, "http://", 7) == 0)
		text += 7;
	else if (strncasecmp(text, "https://", 8) == 0)
		text += 8;
	else
		return false;
	struct span authority = {text, strcspn(text, "/?#")};
	text += authority.length;
	struct span path = {text, strcspn(text, "?#")};
	const char *hash = strchr(text, '#');
	struct span fragment = {hash ? hash : text, hash ? strlen(hash) : 0};
	/* Escapes in a query are for whoever reads it. */
	return good_authority(authority) && consists_of(path, any, false) &&
	       consists_of(fragment, any, false);
}
