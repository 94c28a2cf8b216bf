/* Schemas as tables: one row a field (model_fields.c has them, model_schema.c applies them). */
#ifndef TEST_LIB_MODEL_FIELDS_H
#define TEST_LIB_MODEL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
	const char *path; /* "[]" stands for the elements of a list */
	/* o object, p object that keeps unknown fields, a list, m map of strings, s string,
	 * i integer, b boolean, x anything */
	char type;
	bool required;           /* where its parent is there */
	bool low;                /* has a lowest value */
	int64_t lowest, highest; /* highest 0: none */
	const char *choices;     /* " a b c ", or NULL */
	const char *fallback;    /* default */
};

struct schema {
	const char *id;
	const struct field *fields;
	size_t count;
};

/* Of a kind's id; NULL: anything goes. */
const struct schema *schema_of(const char *id);
/* NULL: there is no such row. */
const struct field *field_at(const struct schema *schema, const char *path);

#endif
