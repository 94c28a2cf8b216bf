/* The ends of the process (check.h) and log lines on stderr, each in a child process. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "test/lib/test.h"

/* Runs body in a child; what it says on stderr goes to text. Answers its wait status. */
static int run_child(void (*body)(void), char *text, size_t size)
{
	int ends[2], status = 0;
	if (pipe(ends) != 0)
		exit(2);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		body();
		_exit(0);
	}
	close(ends[1]);
	size_t used = 0;
	for (ssize_t got; used + 1 < size; used += (size_t)got)
		if ((got = read(ends[0], text + used, size - 1 - used)) <= 0)
			break;
	text[used] = 0;
	close(ends[0]);
	waitpid(child, &status, 0);
	return status;
}

static void fail_a_check(void)
{
	int two = 2;
	CHECK(two == 3);
}

TEST(check, aborts_and_names_the_place)
{
	char text[4096];
	int status = run_child(fail_a_check, text, sizeof(text));
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	EXPECT_CONTAINS(text, "test_check.c:");
	EXPECT_CONTAINS(text, "check failed: two == 3");
}

static void ask_for_too_much(void)
{
	volatile size_t size = SIZE_MAX / 2;
	free(xmalloc(size));
}

TEST(check, out_of_memory_ends_the_process)
{
	char text[4096];
	int status = run_child(ask_for_too_much, text, sizeof(text));
	EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT(text[0] != 0);
}

TEST(check, passes_what_holds)
{
	CHECK(1 + 1 == 2);
	char *text = xstrndup("abcdef", 3);
	EXPECT_TEXT(text, "abc");
	text = xrealloc(text, 100);
	EXPECT_TEXT(text, "abc");
	free(text);
	int *zeros = xcalloc(4, sizeof(int));
	EXPECT_INT(zeros[3], 0);
	free(zeros);
	free(xmalloc(0));
	free(xcalloc(0, 0));
}

static void write_a_line(void)
{
	log_error("on stderr", F_INT("n", 1));
}

TEST(log, goes_to_stderr_unless_told_otherwise)
{
	char text[4096];
	EXPECT_INT(run_child(write_a_line, text, sizeof(text)), 0);
	EXPECT_CONTAINS(text, "\"caller\":\"unit/test_check.c:");
	EXPECT_CONTAINS(text, "\"message\":\"on stderr\",\"n\":1}\n");
	EXPECT_INT(strchr(text, '\n') - text, strlen(text) - 1);
}

TEST_MAIN(TEST_OF(check, aborts_and_names_the_place),
	  TEST_OF(check, out_of_memory_ends_the_process), TEST_OF(check, passes_what_holds),
	  TEST_OF(log, goes_to_stderr_unless_told_otherwise))
