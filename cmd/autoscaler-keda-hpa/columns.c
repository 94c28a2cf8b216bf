/* Widths in characters, not bytes: a name may be in any script inside of a message. */
#include "cmd/autoscaler-keda-hpa/columns.h"

#include <string.h>

#define GAP 3
#define NOTHING "<none>"

static const char *shown(const char *cell)
{
	return cell && cell[0] ? cell : NOTHING;
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xC0) != 0x80;
	return width;
}

void columns_fit(struct columns *columns, const char *const *cells)
{
	for (size_t i = 0; i < columns->count; i++) {
		size_t width = width_of(shown(cells[i]));
		if (width > columns->widths[i])
			columns->widths[i] = width;
	}
}

void columns_print(const struct columns *columns, const char *const *cells, struct strbuf *out)
{
	for (size_t i = 0; i < columns->count; i++) {
		const char *cell = shown(cells[i]);
		strbuf_addstr(out, cell);
		if (i + 1 == columns->count)
			break;
		for (size_t used = width_of(cell); used < columns->widths[i] + GAP; used++)
			strbuf_addch(out, ' ');
	}
	strbuf_addch(out, '\n');
}
