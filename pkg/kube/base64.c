/*
 * Base64, in which kubeconfig files hold certificates and keys. Strict: what is no base64 is an
 * error in the file, better told as that than handed to a TLS library.
 */
#include <string.h>

#include "pkg/kube/internal.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			     "0123456789+/";

static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

char *kube_base64_decode(const char *text, struct arena *arena, size_t *length)
{
	char *out = arena_alloc(arena, strlen(text) / 4 * 3 + 4);
	unsigned group = 0, count = 0, padding = 0;
	*length = 0;
	for (const char *p = text; *p; p++) {
		if (strchr(" \t\r\n", *p))
			continue;
		int value = *p == '=' ? 0 : value_of(*p);
		padding += *p == '=' ? 1 : 0;
		/* Nothing may follow the padding, which is two characters at most. */
		if (value < 0 || padding > 2 || (padding && *p != '='))
			return NULL;
		group = group << 6 | (unsigned)value;
		if (++count < 4)
			continue;
		out[(*length)++] = (char)(group >> 16 & 0xFF);
		out[(*length)++] = (char)(group >> 8 & 0xFF);
		out[(*length)++] = (char)(group & 0xFF);
		*length -= padding;
		group = count = 0;
		if (padding)
			padding = 3; /* any further character is one too many */
	}
	if (count != 0)
		return NULL;
	out[*length] = '\0';
	return out;
}

char *kube_base64_encode(const char *text, size_t length, struct arena *arena)
{
	char *out = arena_alloc(arena, length / 3 * 4 + 5);
	char *to = out;

	for (size_t i = 0; i < length; i += 3) {
		unsigned group = (unsigned)(unsigned char)text[i] << 16;

		if (i + 1 < length)
			group |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < length)
			group |= (unsigned char)text[i + 2];
		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = i + 1 < length ? digits[group >> 6 & 63] : '=';
		*to++ = i + 2 < length ? digits[group & 63] : '=';
	}
	*to = '\0';
	return out;
}
