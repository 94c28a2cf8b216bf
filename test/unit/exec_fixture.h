/* Credential plugins that are scripts in a folder of the test's, and what they left there. */
#ifndef TEST_UNIT_EXEC_FIXTURE_H
#define TEST_UNIT_EXEC_FIXTURE_H

#include <stdlib.h>
#include <sys/stat.h>

#include "pkg/base/check.h"
#include "pkg/kube/exec_plugin.h"
#include "test/lib/test.h"

#define V1 "client.authentication.k8s.io/v1"

static char folder[] = "/tmp/test_exec_plugin.XXXXXX";
static const char *const none[] = {NULL};

static const char *in_folder(struct arena *arena, const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

/* A script; what it writes to $OUT is left in the folder. */
static const char *program(struct arena *arena, const char *name, const char *script)
{
	const char *path = in_folder(arena, name);
	FILE *file = fopen(path, "we");
	CHECK(file && fprintf(file, "#!/bin/sh\nOUT=%s/out\n%s\n", folder, script) > 0);
	CHECK(fclose(file) == 0 && chmod(path, 0700) == 0);
	return path;
}

static const char *output(struct arena *arena)
{
	char *text = test_read_file(in_folder(arena, "out"), NULL);
	const char *copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

#define ANSWER(status) "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\"," status "}"
#define PRINT_TOKEN "echo '" ANSWER("\"status\":{\"token\":\"secret\"}") "'\n"

static void remove_folder(void)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		perror(folder);
}

static void make_folder(void)
{
	EXPECT(mkdtemp(folder) != NULL);
	atexit(remove_folder);
}

#endif
