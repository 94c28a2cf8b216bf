/*
 * Repeats kept inputs without libFuzzer: each file of the folders named, whole and cut off at some
 * places. An input is given in exactly its bytes, so that AddressSanitizer sees an overrun.
 * A folder may be missing; that nothing at all was read is a failure.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/fuzz/fuzz.h"
#include "test/lib/test.h"

#define CUTS 64

static void give(const char *text, size_t length)
{
	uint8_t *bytes = xmalloc(length ? length : 1);
	memcpy(bytes, text, length);
	CHECK(LLVMFuzzerTestOneInput(bytes, length) == 0);
	free(bytes);
}

static void run_file(const char *path)
{
	size_t length;
	char *text = test_read_file(path, &length);
	printf("%s\n", path);
	fflush(stdout);
	for (size_t cut = 0; cut < length; cut += 1 + length / CUTS)
		give(text, cut);
	give(text, length);
	free(text);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);
	for (int i = 0; i < count; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		run_file(path);
		free(entries[i]);
	}
	if (count < 0)
		return 0;
	free(entries);
	return count;
}

int main(int argc, char **argv)
{
	int files = 0;
	for (int i = 1; i < argc; i++)
		files += run_folder(argv[i]);
	if (files == 0)
		fprintf(stderr, "usage: %s FOLDER ..., with inputs in one of them\n", argv[0]);
	return files == 0;
}
