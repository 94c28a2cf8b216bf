/*
 * The built program's `licenses`: what is linked has its text in third_party/licenses and in the
 * program, which travels without that folder. The program is the one built beside this test.
 */
#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/arena.h"
#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "test/lib/test.h"

#define TEXTS SOURCE_DIR "/third_party/licenses"

static void read_printed(struct arena *arena, struct strbuf *out)
{
	char self[PATH_MAX] = "", part[4096];
	size_t got;
	EXPECT(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	FILE *printed =
	    popen(arena_printf(arena, "%s/../autoscaler-keda-hpa licenses", dirname(self)), "r");
	CHECK(printed);
	while ((got = fread(part, 1, sizeof(part), printed)) > 0)
		strbuf_add(out, part, got);
	EXPECT_INT(pclose(printed), 0);
}

/* Linked by tests alone. */
static bool not_shipped(const char *name)
{
	return strncmp(name, "cunit", 5) == 0 || strncmp(name, "libseccomp", 10) == 0;
}

TEST(licenses, every_text_goes_along)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf printed = STRBUF_INIT;
	size_t texts = 0;
	read_printed(arena, &printed);
	DIR *folder = opendir(TEXTS);
	CHECK(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		size_t length;
		if (entry->d_name[0] == '.')
			continue;
		test_row("%s", entry->d_name);
		char *text =
		    test_read_file(arena_printf(arena, TEXTS "/%s", entry->d_name), &length);
		EXPECT(length > 0);
		EXPECT_INT(strstr(printed.buf, text) != NULL, !not_shipped(entry->d_name));
		texts += !not_shipped(entry->d_name);
		free(text);
	}
	closedir(folder);
	EXPECT(texts >= 8);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {TEST_OF(licenses, every_text_goes_along)};
	return test_main(argc, argv, cases, ARRAY_SIZE(cases));
}
