/* The small grammars of gRPC over HTTP/2. Whatever the bytes, an answer. */
#include "pkg/grpc/framing.h"

#include <string.h>
#include <strings.h>

#include "pkg/base/check.h"

#define TIMEOUT_DIGITS 8

/* Units are ns apart by powers of ten, and of sixty. 0: no unit. */
static int64_t ns_of(char unit)
{
	switch (unit) {
	case 'n':
		return 1;
	case 'u':
		return 1000;
	case 'm':
		return 1000000;
	case 'S':
		return INT64_C(1000000000);
	case 'M':
		return INT64_C(60000000000);
	case 'H':
		return INT64_C(3600000000000);
	default:
		return 0;
	}
}

bool framing_timeout(const char *text, size_t length, int64_t *out_ms)
{
	int64_t number = 0;
	if (length < 2 || length > TIMEOUT_DIGITS + 1)
		return false;
	for (size_t i = 0; i < length - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
	}
	int64_t unit = ns_of(text[length - 1]);
	if (!unit)
		return false;
	/* 99999999 hours are more ns than fit. */
	*out_ms = unit >= 1000000 ? number * (unit / 1000000) : (number * unit + 999999) / 1000000;
	return true;
}

bool framing_content_type(const char *text, size_t length)
{
	static const char grpc[] = "application/grpc", proto[] = "+proto";
	if (length < strlen(grpc) || strncasecmp(text, grpc, strlen(grpc)) != 0)
		return false;
	text += strlen(grpc);
	length -= strlen(grpc);
	if (length >= strlen(proto) && strncasecmp(text, proto, strlen(proto)) == 0) {
		text += strlen(proto);
		length -= strlen(proto);
	}
	return length == 0 || *text == ';' || *text == ' ';
}

static size_t told(const char *text)
{
	size_t length = strlen(text);
	if (length <= FRAMING_TEXT)
		return length;
	length = FRAMING_TEXT;
	while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
		length--;
	return length;
}

void framing_add_text(struct strbuf *sb, const char *text)
{
	size_t length = told(text);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= ' ' && c <= '~' && c != '%')
			strbuf_addch(sb, (char)c);
		else
			strbuf_addf(sb, "%%%02X", c);
	}
}

void framing_put_prefix(uint8_t out[FRAMING_PREFIX], size_t length)
{
	CHECK(length <= UINT32_MAX);
	out[0] = 0;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (uint8_t)(length >> (8 * (3 - i)));
}

enum framing_state framing_judge(const struct strbuf *data, size_t max)
{
	const uint8_t *bytes = (const uint8_t *)data->buf;
	if (data->len > 0 && bytes[0] > 1)
		return FRAMING_BAD_FLAG;
	if (data->len < FRAMING_PREFIX)
		return FRAMING_PART;
	if (bytes[0] == 1)
		return FRAMING_COMPRESSED;
	size_t length = 0;
	for (int i = 1; i < FRAMING_PREFIX; i++)
		length = length << 8 | bytes[i];
	if (length > max)
		return FRAMING_TOO_LONG;
	if (data->len == FRAMING_PREFIX + length)
		return FRAMING_WHOLE;
	return data->len > FRAMING_PREFIX + length ? FRAMING_MORE : FRAMING_PART;
}
