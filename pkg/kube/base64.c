/*
 * Base64, in which kubeconfig files hold certificates and keys. Strict: what is no base64 is an
 * error in the file, better told as that than handed to a TLS library.
 */
#include <string.h>

#include "pkg/kube/internal.h"

static int value_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

char *kube_base64_decode(const char *text, struct arena *arena, size_t *length)
{
	char *out = arena_alloc(arena, strlen(text) / 4 * 3 + 4);
	unsigned group = 0, digits = 0, padding = 0;
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
		if (++digits < 4)
			continue;
		out[(*length)++] = (char)(group >> 16 & 0xFF);
		out[(*length)++] = (char)(group >> 8 & 0xFF);
		out[(*length)++] = (char)(group & 0xFF);
		*length -= padding;
		group = digits = 0;
		if (padding)
			padding = 3; /* any further character is one too many */
	}
	if (digits != 0)
		return NULL;
	out[*length] = '\0';
	return out;
}
