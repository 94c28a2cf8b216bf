/* MD5 is Knative's choice, and only makes names differ. */
#include "pkg/knative/child_name.h"

#include <openssl/evp.h>
#include <string.h>

#define LONGEST 63
#define MD5_BYTES 16

static void add_md5(char *hex, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};

	EVP_Digest(text, strlen(text), digest, NULL, EVP_md5(), NULL);
	for (size_t i = 0; i < MD5_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
}

char *child_name(const char *parent, const char *suffix, struct arena *arena)
{
	char md5[2 * MD5_BYTES + 1] = "";
	size_t kept = LONGEST - 2 * MD5_BYTES - strlen(suffix);

	if (strlen(parent) + strlen(suffix) <= LONGEST)
		return arena_printf(arena, "%s%s", parent, suffix);
	add_md5(md5, parent);
	return arena_printf(arena, "%.*s%s%s", (int)kept, parent, md5, suffix);
}
