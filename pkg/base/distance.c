/*
 * One row of the table at a time, and the two before it.
 */
#include "pkg/base/distance.h"

#include <string.h>

#include "pkg/base/check.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t distance(const char *a, const char *b)
{
	size_t rows[3][DISTANCE_LENGTH_MAX + 1], length = strlen(b);
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	CHECK(length <= DISTANCE_LENGTH_MAX && strlen(a) <= DISTANCE_LENGTH_MAX);
	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(changed, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[length];
}
