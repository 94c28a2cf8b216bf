/*
 * One CUnit program a file:
 *
 *   TEST(parse, refuses_two_values) { ... CHECK_FALSE(...); }
 *   TEST_MAIN(TEST_OF(parse, refuses_two_values), ...)
 *
 * EXPECT macros tell both values when they differ, and name the table row (test_row) that was
 * at hand. A failed expectation does not stop the test; CUnit counts it.
 */
#ifndef TEST_LIB_TEST_H
#define TEST_LIB_TEST_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pkg/base/compiler.h"

struct test_case {
	const char *suite;
	const char *name;
	void (*run)(void);
};

#define TEST(suite, name) static void suite##_##name(void)
#define TEST_OF(suite, name)                                                                       \
	{                                                                                          \
#suite, #name, suite##_##name                                                      \
	}
/* Arguments of the program choose tests by substring; --list names them. */
#define TEST_MAIN(...)                                                                             \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct test_case cases[] = {__VA_ARGS__};                             \
		return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));             \
	}
int test_main(int argc, char **argv, const struct test_case *cases, size_t count);

/* Names the row of a table in messages of failed expectations until the next call or test. */
void test_row(const char *format, ...) PRINTF_LIKE(1, 2);

void test_expect(bool ok, const char *file, int line, const char *what);
void test_expect_text(const char *got, const char *want, const char *file, int line,
		      const char *what);
void test_expect_int(int64_t got, int64_t want, const char *file, int line, const char *what);
void test_expect_contains(const char *got, const char *part, const char *file, int line,
			  const char *what);

#define EXPECT(condition) test_expect((condition), __FILE__, __LINE__, #condition)
#define EXPECT_TEXT(got, want) test_expect_text((got), (want), __FILE__, __LINE__, #got)
#define EXPECT_INT(got, want)                                                                      \
	test_expect_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got)
#define EXPECT_CONTAINS(got, part) test_expect_contains((got), (part), __FILE__, __LINE__, #got)

#define EXPECT_FALSE(condition) test_expect(!(condition), __FILE__, __LINE__, "not " #condition)

/* A deterministic generator: the same seed gives the same run. Not 0. */
uint64_t test_random(uint64_t *state);
/* A copy of text with a few bytes flipped, dropped, doubled or replaced by others of it; exactly
 * length bytes of heap without a NUL behind, so that AddressSanitizer sees an overrun. */
char *test_mutate(uint64_t *state, const char *text, size_t *length);

/* The whole file, NUL-terminated, yours to free; the test program ends if it can't be read. */
char *test_read_file(const char *path, size_t *length);

#endif
