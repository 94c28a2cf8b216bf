/* Keeping texts of cached objects: ten thousand revisions need one "Deployment" together. */
#include "pkg/knative/text.h"

#include <string.h>

/* Names have 253 characters at most; what is longer is wrong, and stays so when it is cut. */
#define TEXT_MAX 1024

static const char *const common[] = {"",      "apps/v1", "Deployment", "Reachable", "Unreachable",
				     "http1", "h2c",     "Serve",      "Proxy"};

const char *text_kept(const struct json *v, struct arena *arena)
{
	const char *text = json_text_or(v, "");
	for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
		if (strcmp(common[i], text) == 0)
			return common[i];
	}
	return arena_strndup(arena, text, strnlen(text, TEXT_MAX));
}
