/*
 * Wraps CUnit: registers the cases by suite, runs them, and prints a reason for every
 * failed expectation. The exit code is 1 if anything failed or nothing ran.
 */
#include "test/lib/test.h"

#include <CUnit/Basic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char row[256];

void test_row(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(row, sizeof(row), format, args);
	va_end(args);
}

/* Before each test: a row of the last one says nothing about this one. */
static void forget_row(void)
{
	row[0] = 0;
}

static void report(bool ok, const char *file, int line, const char *text)
{
	char message[1400];
	snprintf(message, sizeof(message), "%s%s%s", row, row[0] ? ": " : "", text);
	CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, (unsigned)line, message, file, "",
				CU_FALSE);
}

void test_expect(bool ok, const char *file, int line, const char *what)
{
	report(ok, file, line, what);
}

void test_expect_text(const char *got, const char *want, const char *file, int line,
		      const char *what)
{
	char text[1024];
	bool ok = got == want || (got && want && strcmp(got, want) == 0);
	snprintf(text, sizeof(text), "%s: got \"%s\", want \"%s\"", what, got ? got : "(null)",
		 want ? want : "(null)");
	report(ok, file, line, text);
}

void test_expect_int(int64_t got, int64_t want, const char *file, int line, const char *what)
{
	char text[1024];
	snprintf(text, sizeof(text), "%s: got %lld, want %lld", what, (long long)got,
		 (long long)want);
	report(got == want, file, line, text);
}

void test_expect_contains(const char *got, const char *part, const char *file, int line,
			  const char *what)
{
	char text[1024];
	snprintf(text, sizeof(text), "%s: \"%s\" lacks \"%s\"", what, got ? got : "(null)", part);
	report(got && strstr(got, part), file, line, text);
}

static bool wanted(int argc, char **argv, const struct test_case *c)
{
	for (int i = 1; i < argc; i++)
		if (strstr(c->name, argv[i]) || strstr(c->suite, argv[i]))
			return true;
	return argc < 2;
}

static CU_pSuite suite_of(const char *name)
{
	CU_pSuite suite = CU_get_suite(name);
	if (suite)
		return suite;
	return CU_add_suite_with_setup_and_teardown(name, NULL, NULL, forget_row, NULL);
}

int test_main(int argc, char **argv, const struct test_case *cases, size_t count)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < count; i++)
			printf("%s %s\n", cases[i].suite, cases[i].name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	for (size_t i = 0; i < count; i++)
		if (wanted(argc, argv, &cases[i]))
			CU_add_test(suite_of(cases[i].suite), cases[i].name, cases[i].run);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	unsigned failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	unsigned ran = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	return failed || !ran ? 1 : 0;
}

uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void mutate_once(uint64_t *state, char *text, size_t *length)
{
	size_t at = test_random(state) % *length;
	switch (test_random(state) % 4) {
	case 0:
		text[at] = (char)(text[at] ^ (1 << test_random(state) % 8));
		break;
	case 1:
		memmove(text + at, text + at + 1, --*length - at);
		break;
	case 2:
		memmove(text + at + 1, text + at, *length - at);
		++*length;
		break;
	default:
		text[at] = text[test_random(state) % *length];
	}
}

char *test_mutate(uint64_t *state, const char *text, size_t *length)
{
	size_t rounds = 1 + test_random(state) % 4, size = strlen(text);
	char *work = malloc(size + rounds + 1);
	if (!work)
		exit(2);
	memcpy(work, text, size);
	for (size_t i = 0; i < rounds && size > 0; i++)
		mutate_once(state, work, &size);
	char *exact = malloc(size ? size : 1);
	if (!exact)
		exit(2);
	memcpy(exact, work, size);
	free(work);
	*length = size;
	return exact;
}

char *test_read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(2);
	}
	size_t size = 0, got;
	char *text = NULL;
	do {
		text = realloc(text, size + 65537);
		if (!text)
			exit(2);
		got = fread(text + size, 1, 65536, file);
		size += got;
	} while (got > 0);
	fclose(file);
	text[size] = 0;
	if (length)
		*length = size;
	return text;
}
