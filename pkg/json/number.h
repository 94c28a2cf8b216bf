/* Inside pkg/json: a number's digits without their spelling, exact for any length. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include "pkg/json/json.h"

/* value = digits from first to last (a point between them is skipped) * 10^exponent, where
 * neither first nor last is '0'. Zero has count 0 and is not negative. */
struct number {
	bool negative;
	bool beyond; /* the exponent does not fit: comparable by its text only */
	const char *first;
	size_t count;
	int64_t exponent;
};

struct number number_of(const struct json *v);
/* The digit at *at, which moves on. */
char number_digit(const char **at);
bool number_equal(const struct json *a, const struct json *b);
uint64_t number_hash(uint64_t seed, const struct json *v);

#endif
