/* Who a candidate is. A process that comes back is another one: what it held has to run out. */
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "pkg/kube/elector.h"

/* RFC 9562 version 4. */
static void add_uuid(struct strbuf *out)
{
	uint8_t bytes[16];

	CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++)
		strbuf_addf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			    bytes[i]);
}

char *elector_identity(const char *pod)
{
	struct strbuf out = STRBUF_INIT;
	char host[256] = "";

	if (!pod && gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	strbuf_addf(&out, "%s_", pod ? pod : host);
	add_uuid(&out);
	return strbuf_take(&out);
}
